"""Makers of records that take more than an area's module has room for, and sums of them."""
