"""Readable English from the source's abbreviated upper-case labels.

The source is anonymised: it has no brand or article names, only a category, a type, a maker's
number and a package size ("SFT DRNK 2 LITER BTL CARB INCL", "2 L"). What a shopper reads is built
from those; nothing is invented. Labels cut off or squeezed beyond a word-by-word reading have an
entry in `WHOLE`; makers' trade names in brackets are left out.
"""

from __future__ import annotations

import re

WHOLE = {
    "AIR CARE - CONTINUOUS - NON EL": "Air Freshener, Continuous, Non-Electric",
    "AIR CARE - AEROSOLS": "Air Freshener Spray",
    "AIR CARE - CONTINUOUS ACTION": "Air Freshener, Continuous",
    "AIR CARE - SANITIZERS": "Air Sanitizer",
    "ANTI-ACIDS": "Antacid",
    "ASEPTIC PACK JUICE AND DRINKS": "Juice Drink Boxes",
    "AUTHENTIC SAUCES SALSA PICAN": "Authentic Salsa & Picante Sauce",
    "BAGS/TAGS/TISSUE/BOXES": "Gift Bags, Tags & Boxes",
    "BUTTER SPRAY CRACKER (RITZ/CLU": "Butter Crackers",
    "BABY FOOD JUNIOR ALL BRANDS": "Baby Food, Junior",
    "BOXED PREPARED/ENTREE/DRY PREP": "Boxed Dry Entrée",
    "BREAST - BONELESS(IQF)": "Frozen Boneless Chicken Breast",
    "CAKE DECORS - BIRTHDAY CANDLES": "Birthday Candles",
    "CAN CATFD GOURMET/SUP PREM (GR": "Canned Cat Food, Gourmet",
    "CAN DOG FOOD (SKIPPY/PEDIGREE/": "Canned Dog Food",
    "CANDY & BREATH MINTS (PKGD) (N": "Breath Mints",
    "CANDY BAGS-CHOCOCLATE W/FLOUR": "Chocolate Candy Bag with Flour",
    "CANDY BARS MULTI PACK W/FLOUR": "Candy Bars with Flour, Multi-Pack",
    "CANDY BOXED CHOCOLATES W/FLOUR": "Boxed Chocolates with Flour",
    "CANDY BARS (MULTI PACK)": "Candy Bars, Multi-Pack",
    "CANISTER POTATO/TORT CHIPS": "Canister Chips",
    "CARBONATED WATER - FLVRD UNSWE": "Carbonated Water, Flavored, Unsweetened",
    "CHEESE: NATURAL PREPORTND": "Cheese, Natural, Pre-Portioned",
    "CHIX:FRD 8PC/CUT UP (COLD)": "Fried Chicken, 8 Pieces, Cold",
    "CHIX: ROTISSERIE (HOT)": "Rotisserie Chicken, Hot",
    "COOKIES: HOLIDAY/SPECIAL OCCAS": "Cookies, Holiday & Special Occasion",
    "COORDINATES": "Household Textiles, Coordinates",
    "COVERGIRL": "Makeup",
    "CUPS/PUSH UPS/OTHER": "Ice Cream Cups & Push-Ups",
    "DAIRY CASE 100% PURE JUICE - O": "Orange Juice, Chilled",
    "DAIRY CASE 100% PURE JUICE OTH": "Pure Juice, Chilled",
    "DAIRY CASE CITRUS PNCH/OJ SUBS": "Citrus Punch, Chilled",
    "DAIRY CASE JUICE DRNK UNDER 10": "Juice Drink, Chilled",
    "DECOR": "Seasonal Decoration",
    "DIET CNTRL BARS NUTRITIONAL": "Nutritional Diet Bars",
    "DIET CNTRL LIQS NUTRITIONAL": "Nutritional Diet Drink",
    "DL SPEC: MUST/OILS/VINEGARS": "Mustards, Oils & Vinegars",
    "FEM. HYGN. TAMPONS": "Tampons",
    "FEM. HYGN.NAPKINS": "Sanitary Napkins",
    "FACIAL TISSUE & PAPER HANDKE": "Facial Tissues",
    "FROZEN CAKES/ALL TYPES INCLUDI": "Frozen Cake",
    "FRZN BAGGED VEGETABLES- VALUE": "Frozen Bagged Vegetables, Seasoned",
    "FRZN BOXED VEGETABLES- VALUE A": "Frozen Boxed Vegetables, Seasoned",
    "FRZN BREADED PREPARED CHICK": "Frozen Breaded Chicken",
    "FRZN BREAKFAST ENTREES/SANDWIC": "Frozen Breakfast Sandwich",
    "FRZN CONC ALLIEDS OVER 50% JUI": "Frozen Juice Concentrate",
    "FRZN CONC UNDER 50% JUICE": "Frozen Juice Drink Concentrate",
    "FRZN MULTI SERVE ENTREES ALL": "Frozen Multi-Serve Entrée",
    "FRZN SS PREMIUM ENTREES/DNRS/N": "Frozen Premium Entrée, Nutritional",
    "FRZN SS PREMIUM ENTREES/DNRS/T": "Frozen Premium Entrée, Traditional",
    "FRZN REGIONAL/OTHER": "Frozen Regional Meal",
    "FRZN TATER TOTS/OTHER EXTRUDED": "Frozen Tater Tots",
    "GARBAGE KITCHEN COMPACTOR BA": "Kitchen Garbage Bags",
    "GENERAL USE/MISC": "Small Electric Appliance",
    "GRND/PATTY - FROZEN": "Frozen Ground Meat Patties",
    "INSTANT COFFEE FLAVORED NO SWE": "Instant Coffee, Flavored, Unsweetened",
    "IWS SINGLE CHEESE": "Cheese Singles, Wrapped",
    "JHOOK - HOUSEWARE": "Housewares",
    "KITCHEN & MULTI-PURPOSE CLEANE": "Kitchen & Multi-Purpose Cleaner",
    "LOAVE": "Lunchmeat Loaf",
    "MAINSTREAM WHEAT/MULTIGRAIN BR": "Wheat & Multigrain Bread",
    "MAINSTREAM WHITE BREAD": "White Bread",
    "MALTED MLK/SYRUP/PWDRS (EGGNOG": "Malted Milk & Syrup",
    "MANDARIN ORANGES/CITRUS SECT": "Mandarin Oranges",
    "MEXICAN SAUCESSALSAPICANTEE": "Mexican Salsa & Picante Sauce",
    "MEXICAN SOFT TORTILLAS AND WRA": "Soft Tortillas & Wraps",
    "MIXERS(TONIC WTR/CLUB SODA/GNG": "Tonic Water & Mixers",
    "NON-CARB FLVRD DRNKNG/MNRL WAT": "Flavored Water, Still",
    "NON-CARB WATER FLVR - DRNK/MNR": "Flavored Water, Still",
    "NON-CRBNTD DRNKING/MNERAL WATE": "Drinking Water, Still",
    "NON-IWS SINGLE CHEESE": "Cheese Singles, Unwrapped",
    "PEG TOYS": "Small Toy",
    "PIZZA/ECONOMY": "Frozen Pizza, Economy",
    "PIZZA/PREMIUM": "Frozen Pizza, Premium",
    "PIZZA/TRADITIONAL": "Frozen Pizza, Traditional",
    "SNACKS/APPETIZERS": "Frozen Snacks & Appetizers",
    "PIZZA/SINGLE SERVE/MICROWAVE": "Frozen Pizza, Single Serve, Microwave",
    "PLSTC CTLRYTBLCLTHSTTHPKSST": "Plastic Cutlery & Tableware",
    "PREMIUM PINTS": "Premium Ice Cream, Pint",
    "SUPER PREMIUM PINTS": "Super Premium Ice Cream, Pint",
    "QUARTS": "Ice Cream, Quart",
    "QSR FD: COLD PIZZA": "Take-and-Bake Pizza",
    "RIGID GAS PERMEABLE": "Contact Lens Care, Rigid",
    "RTS SOUP: CHUNKY/HOMESTYLE ET": "Ready-to-Serve Soup",
    "SAUCE MIXES GRAVY MIXES DRY": "Dry Sauce & Gravy Mix",
    "SEMI-SOLID SALAD DRESSING MAY": "Mayonnaise & Salad Spread",
    "SFT DRNK 2 LITER BTL CARB INCL": "Soft Drink, 2 Liter Bottle",
    "SFT DRNK MLT-PK BTL CARB (EXCP": "Soft Drink, Bottle Multi-Pack",
    "SFT DRNK SNGL SRV BTL CARB (EX": "Soft Drink, Single Bottle",
    "SGL SV/VEND MACH SNACKS CHIP/P": "Chips, Single Serve",
    "SOFT DRINK BOTTLE NON-CARB (EX": "Soft Drink, Bottle, Still",
    "SOFT DRINKS 12/18&15PK CAN CAR": "Soft Drink, 12 to 18 Cans",
    "SOFT DRINKS 20PK&24PK CAN CARB": "Soft Drink, 20 to 24 Cans",
    "SOFT DRINKS 6PK/4PK CAN CARB (": "Soft Drink, 4 to 6 Cans",
    "SS ECONOMY ENTREES/DINNERS ALL": "Frozen Economy Entrée",
    "STICKS/ENROBED": "Ice Cream Bars on a Stick",
    "SUNTAN PROD W/SPF LOTION/OIL": "Sunscreen Lotion with SPF",
    "SV BEV: BEV/JUICE 50-100% JUIC": "Juice, Single Serve",
    "TABLE SALT POPCORN SALTICE C": "Table Salt",
    "TOMATOES: STEWED/DICED/CRMD": "Tomatoes, Stewed & Diced",
    "TRAY PACK/CHOC CHIP COOKIES": "Chocolate Chip Cookies",
    "VEG JUICE (EXCEPT TOMATO) (OVE": "Vegetable Juice",
    "VENDOR SIZE/SINGLE SERVE COOKI": "Cookies, Single Serve",
    "VINEGAR ALL-EXCEPT WINE/RIC": "Vinegar",
    "WOMEN S GENERAL-MAGAZINE": "Women's Magazine",
    "YOGURT NOT MULTI-PACKS": "Yogurt Cup",
    "YOGURT MULTI-PACKS": "Yogurt Multi-Pack",
    "ROLLS: DINNER": "Dinner Rolls",
    "ROLLS: SANDWICH": "Sandwich Rolls",
    "SEAFOOD-FRZ-RW-ALL": "Frozen Fish, Raw",
    "SEAFOOD-FRE-NON RW-ALL": "Fresh Seafood, Prepared",
    "SEAFOOD-FRE-LIVE SHLFSH-OTHER": "Live Shellfish",
    "SEAFOOD-FRE-RAW FINFISH-OTHER": "Fresh Fish, Raw",
    "SEAFOOD-MISC-SAUCES/MARIN-WET": "Seafood Sauces & Marinades",
    "MUSHROOMS W/WHOLE PKG": "Whole White Mushrooms, Package",
    "SNACKS: DRY": "Dry Snacks",
    "HAMS-HALF/PORT BONE-IN": "Ham, Half or Portion, Bone-In",
    "LOIN - WH/HALF BONELESS": "Pork Loin, Whole or Half, Boneless",
    "LOIN - CHOPS BONE-IN": "Pork Loin Chops, Bone-In",
    "SUSHI - IN STORE PREPARED": "Sushi, Made in Store",
    "BEANS GREEN: FS/WHL/CUT": "Green Beans",
    "PEAS GREEN": "Green Peas",
    "POTATOES SWEET": "Sweet Potatoes",
    "HARDBACK/TRADE EVERYDAY": "Hardback Book",
    "HARDBACK/TRADE BEST SELLER": "Best-Selling Hardback Book",
    "CARDS EVERYDAY": "Greeting Card",
    "CARDS SEASONAL": "Greeting Card, Seasonal",
    "GADGETS/TOOLS": "Kitchen Gadget",
    # categories
    "VEGETABLES - SHELF STABLE": "Canned Vegetables",
    "FRUIT - SHELF STABLE": "Canned Fruit",
    "SEAFOOD - SHELF STABLE": "Canned Seafood",
    "MEAT - SHELF STABLE": "Canned Meat",
    "CANDY - PACKAGED": "Packaged Candy",
    "SEAFOOD-FRESH": "Fresh Seafood",
    "FROZEN - BOXED(GROCERY)": "Boxed Frozen Seafood",
    "MEAT - MISC": "Assorted Meat",
    "BEANS - CANNED GLASS & MW": "Canned Beans",
    "BABY HBC": "Baby Care",
    "COOKIES/CONES": "Cookies & Cones",
    "DELI SPECIALTIES (RETAIL PK)": "Deli Specialties",
    "DRY BN/VEG/POTATO/RICE": "Rice, Beans & Dry Potatoes",
    "DRY MIX DESSERTS": "Dessert Mixes",
    "FD WRAPS/BAGS/TRSH BG": "Food Wraps & Bags",
    "FRZN NOVELTIES/WTR ICE": "Ice Cream Bars & Water Ice",
    "GREETING CARDS/WRAP/PARTY SPLY": "Greeting Cards & Party Supplies",
    "ICE CREAM/MILK/SHERBTS": "Ice Cream & Sherbet",
    "J-HOOKS": "Housewares",
    "MILK BY-PRODUCTS": "Cream, Dips & Cottage Cheese",
    "MOLASSES/SYRUP/PANCAKE MIXS": "Syrup & Pancake Mixes",
    "NEW AGE": "Energy Drinks",
    "PEPPERS-ALL": "Peppers",
    "SALD DRSNG/SNDWCH SPRD": "Salad Dressing & Spreads",
    "SNKS/CKYS/CRKR/CNDY": "Natural Snacks",
    "VALUE ADDED FRUIT": "Cut Fruit",
    "VALUE ADDED VEGETABLES": "Cut Vegetables",
    "VEGETABLES - ALL OTHERS": "Vegetables",
    "VEGETABLES SALAD": "Salad Vegetables",
    "WATCHES/CALCULATORS/LOBBY": "Watches & Calculators",
    "WATER - CARBONATED/FLVRD DRINK": "Water",
    "WAREHOUSE SNACKS": "Canister Snacks",
    "CANDY - CHECKLANE": "Candy at the Checkout",
}

# Word by word, for all other labels. An empty value drops the word.
WORDS = {
    "BEV": "Beverage", "BKD": "Baked", "BN": "Beans", "BRKFST": "Breakfast", "BTL": "Bottle",
    "BTR": "Butter", "CARB": "Carbonated", "CATFD": "Cat Food", "CATSUP": "Ketchup",
    "CHIX": "Chicken", "CHOC": "Chocolate", "CHOCOCLATE": "Chocolate", "CHOCOL": "Chocolate",
    "CILANTO": "Cilantro", "CKE": "Cake", "CLEANG": "Cleaning", "CND": "Canned",
    "CNTRL": "Control", "CONC": "Concentrate", "CRAN": "Cranberry", "CRYSTL": "Crystal",
    "DAN": "Danish", "DECAFFINATED": "Decaffeinated", "DISHWASH": "Dishwashing",
    "DISPOSIBLE": "Disposable", "DNR": "Dinner", "DNRS": "Dinners", "DPS": "Dips",
    "DRNK": "Drink", "DRNKS": "Drinks", "DRSNG": "Dressing", "DSH": "Dishes", "DXM": "DXM",
    "ETC": "", "FD": "Food", "FDS": "Foods", "FLVR": "Flavored", "FLVRD": "Flavored",
    "FRD": "Fried", "FRZN": "Frozen", "FS": "", "GDS": "Goods", "GRND": "Ground",
    "HYDROCORTIZONE": "Hydrocortisone", "IQF": "", "JCE": "Juice", "LIQS": "Liquids",
    "LTD": "", "MEMORABLILIA": "Memorabilia", "MISC": "Assorted", "MISC.": "Assorted",
    "MISCELLANEOUS": "Assorted", "MLK": "Milk", "MULT": "Multi", "MUST": "Mustards",
    "MX": "Mixes", "MXS": "Mixes", "NAVELS": "Navel", "PAC": "Pack", "PCKGD": "Packaged",
    "PICKLD": "Pickled", "PK": "Pack", "PKG": "Package", "PKGD": "Packaged", "PKLD": "Pickled",
    "PNT": "Peanut", "PPK": "Pre-Packed", "PREM": "Premium", "PREP": "Prepared",
    "PREPACK": "Pre-Packed", "PRESLC": "Pre-Sliced", "PRESLCD": "Pre-Sliced",
    "PROD": "Product", "PRPCK": "Pre-Packed", "PRSLC": "Pre-Sliced", "PWDR": "Powder",
    "RANIER": "Rainier", "REFRGRATD": "Refrigerated", "REFRIG": "Refrigerated",
    "ROLLS": "Rolls", "RW": "", "SAL": "Salads", "SALD": "Salad", "SAUS": "Sausage",
    "SHRED": "Shredded", "SNDWCH": "Sandwich", "SPEC": "Specialties", "SPECILATY": "Specialty",
    "SPF": "SPF", "SPLY": "Supplies", "SPRD": "Spread", "STK": "Stick", "SUP": "Super",
    "SUPPPLIES": "Supplies", "SW": "Sweet", "SWEETNERS": "Sweeteners", "SWT": "Sweet",
    "TISS": "Tissues", "TISSUES": "Tissue", "TRSH": "Trash", "TV": "TV", "BBQ": "BBQ",
    "UNSWE": "Unsweetened", "VAC": "Vacuum", "VEG": "Vegetables", "WHL": "Whole",
    "WHLSM": "Wholesome", "WORCHESTER": "Worcestershire", "WT": "Weight", "WTR": "Water",
    "ALL": "", "OTHERS": "", "OTHER": "Other", "MEXICAN": "Mexican", "ORIENTAL": "Asian",
    "W": "with", "X": "X", "S": "S",
}  # fmt: skip
_SMALL = {"AND": "and", "OR": "or", "OF": "of", "FOR": "for", "WITH": "with", "IN": "in",
          "ON": "on", "THE": "the", "NOT": "not"}  # fmt: skip

# Types that only qualify their category: "PREMIUM" under "BACON" is "Bacon, Premium".
QUALIFIERS = frozenset(
    re.split(
        r"\s*\|",
        """ACTIVITY|ADDITIVES/FLUIDS|BETTER FOR YOU|CONES|CONSTRUCTION|ECONOMY
    |ENHANCED|FASHION PLAY|FASTENERS|FLANK|FRESH|FURNITURE|HAM|IMPLEMENTS SETS|KITS|LEAN
    |INTERIOR/EXTERIOR CARE|LINKS - COOKED|LINKS - RAW|MAINSTREAM|MARINATED|MEAT INCLUDED
    |MICROWAVE|MISCELLANEOUS|NON-MEATS - OTHER|ORGANIC|OTHER|OVEN|PANTRY|PATTIES
    |POULTRY|PREMIUM|PREMIUM - MEAT|PRIMAL|REGULAR|REGULAR GARDEN
    |GARDEN PLUS|BLENDS|RIBS|ROLLS - PORK|SKILLET DINNERS|SMOKED/COOKED
    |SOUP/STEW|SPECIAL EVERYDAY|STANDARD|THIN MEATS|TRADITIONAL|TREATS|UTILITY
    |VITAMIN - INDIVIDUAL|WRAP|DIPS|JUICE|MEDIUM|COLLEGIATE""",
    )
)
# Families that say nothing a shopper needs, in front of a colon.
_FAMILIES = {"SW GDS", "SWEET GOODS", "PREP FD", "PREP FOODS", "SNACKS", "SAL", "MEAT", "ROLLS"}
_BRACKET = re.compile(r"\s*\([^)]*(\)|$)")
_SEAFOOD = re.compile(r"^SEAFOOD-(FRE|FRZ|MISC)-")
_SEAFOOD_STATE = {"FRE": "Fresh Seafood, ", "FRZ": "Frozen Seafood, ", "MISC": ""}


def label(text: str) -> str:
    """One source label as readable title case: "FRZN FRENCH FRIES" -> "Frozen French Fries"."""
    text = " ".join(text.split())
    if whole := WHOLE.get(text):
        return whole
    prefix = ""
    if seafood := _SEAFOOD.match(text):
        prefix, text = _SEAFOOD_STATE[seafood[1]], text[seafood.end() :]
    text = _BRACKET.sub("", text).replace("-MAGAZINE", " MAGAZINE").replace("BAGS-", "BAGS - ")
    family, colon, rest = text.partition(":")
    if colon:
        text = rest if family.strip() in _FAMILIES else f"{family} - {rest}"
    parts = [_words(part) for part in re.split(r"\s*-\s+|\s+-\s*", text)]
    return prefix + ", ".join(part for part in parts if part)


def _words(text: str) -> str:
    words = (_word(word) for word in re.sub(r"\s*[/&]\s*", " & ", text).split())
    joined = " ".join(word for word in words if word)
    return re.sub(r"^(& )+|( &)+$", "", re.sub(r"(& )+", "& ", joined))


def _word(word: str) -> str:
    if word in WORDS:
        return WORDS[word]
    if word in _SMALL:
        return _SMALL[word]
    return "-".join(WORDS.get(part, part.capitalize()) for part in word.split("-"))


def product_name(category: str, kind: str, size: str) -> str:
    """What the article is called: its type (with its category where that alone says too little),
    then its package size in lower case, if any."""
    name = label(kind)
    if kind in QUALIFIERS and label(category) != name:
        name = f"{label(category)}, {name}"
    return f"{name}, {size}" if size else name
