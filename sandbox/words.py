"""Invented people and companies. Every domain is reserved for documentation, so no mail can ever reach anyone."""

from __future__ import annotations


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


def plain(name: str) -> str:
    """Spell a name as mail addresses do."""
    return name.lower().translate(str.maketrans("ëüż", "euz"))


FIRST_NAMES = _words(
    "Ada Alma Arlo Asta Bela Bram Caro Cleo Dario Dita Edda Elio Emre Enno Fara Finn Gisa Gwen Hana Hugo "
    "Ida Ilja Imke Ines Ivo Jara Jens Jolan Juna Kaja Kian Lale Lars Leni Lior Lotta Maja Malik Mika Mira "
    "Nala Nilo Noor Odin Okka Olga Orla Otis Pina Quin Rafa Remo Rika Runa Saba Silo Sina Taro Tilda Una "
    "Vera Wim Yara Zoë"
)

LAST_NAMES = _words(
    "Abendroth Aldermoor Ashgrove Birkwald Blumhof Brackwater Briarwood Calloway Cinderford Copperfeld "
    "Dahlquist Dornhelm Eastmere Ebbesen Elderfield Fernhill Finkenau Foxhollow Galbray Glimmerton Grauwacke "
    "Haselbach Hawkmoor Heidekraut Hollowell Ironbrook Ivarsund Jarnefeld Juniper Kaltwasser Kestrel Kupferberg "
    "Larkspur Lindqvist Lohmühle Marrowby Meerwind Mossgrove Nachtigall Northolm Oakhurst Osterfeld Palewater "
    "Pfefferkorn Quillfeather Ravensholm Rosenbusch Rowntree Sandhurst Silberling Sternfeld Swiftwater "
    "Thornbury Tidewell Umbergate Vandermoor Vogelsang Waldstein Weatherby Wintergreen Yarrow Yewdale "
    "Zeitlos Żarowski"
)

COMPANY_STEMS = _words(
    "Harbor Loom Quartz Meadow Lantern Cobalt Juniper Falcon Ember Drift Pebble Saffron Tundra Velvet Willow "
    "Zephyr Anchor Beacon Cinder Dapple Fable Garnet Hollow Indigo Jasper Kettle Linden Marble Nimbus Orchard "
    "Pollen Quiver"
)

COMPANY_KINDS = _words(
    "Works Foundry Collective Logistics Robotics Analytics Supply Freight Studios Systems Optics Grain Textiles "
    "Ceramics Energy Instruments Partners Bakery Printing Software Timber Medical Marine Tooling Packaging "
    "Insurance Staffing Advisory Travel Furniture Dairy Glass"
)

JOB_TITLES = (
    "Head of Growth",
    "Chief Operating Officer",
    "Procurement Lead",
    "Founder",
    "VP Sales",
    "Office Manager",
    "Director of Marketing",
    "Plant Manager",
    "IT Lead",
    "Finance Director",
    "Head of People",
    "Revenue Operations Manager",
    "Managing Director",
    "Product Owner",
    "Logistics Coordinator",
    'Head of "Special" Projects',
)

CAMPAIGN_NAMES = (
    "Spring outreach",
    "Founders, DACH",
    "Logistics: capacity check",
    "Event follow-up",
    "Win-back 2024 customers",
    "Agencies ✉ intro",
    "Procurement leads",
    "Webinar no-shows",
    "Partner programme",
    "Manufacturing — energy savings",
    "Hiring managers",
    "Referral ask",
)

LIST_NAMES = ("Trade fair badges", "Website visitors", "Imported from CRM", "Lookalikes", "Newsletter", "Cold storage")

TAGS = ("Warm domain", "Team north", "Team south", "Do not touch", "Pilot")

INDUSTRIES = ("Logistics", "Textiles", "Robotics", "Catering", "Glassmaking", "Software", "Forestry", "Printing")

SUBJECTS = (
    "Quick question, {{firstName}}",
    "{{companyName}} and the next quarter",
    "An idea for {{companyName}}",
    "Worth ten minutes?",
)

BODIES = (
    "Hey {{firstName}},<br/><br/>I saw what {{companyName}} is building. Worth a short call?",
    "Hello {{firstName}},<br/><br/>following up on my note from last week.",
    "{{firstName}}, should I close the file on this?",
)

TIMEZONES = ("America/Chicago", "Europe/Belgrade", "America/Detroit", "Europe/Isle_of_Man", "Asia/Kolkata")

CUSTOM_VARIABLES = (
    ("industry", INDUSTRIES),
    ("headcount", (12, 45, 120, 480, 2100)),
    ("uses_forecasting", (True, False)),
    ("last_event", ("Expo Nord", "Loom Days", "Quartz Summit")),
    ("monthly_spend", (199.5, 1250.0, 87.25, 0)),
    ("Sales Region", ("EMEA — North", "EMEA — South", "Americas", "APAC")),
    ("referred_by", ("Ada", "Ivo", "Tilda")),
    ("icebreaker", ('Saw your "open day" post', "Congrats on the new site", "Loved the talk\nin spring")),
)
