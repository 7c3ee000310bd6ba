"""Development tools. The wheel contains none of them."""
