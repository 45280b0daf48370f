"""Invented names: families in several languages and scripts, neighbourhoods, streets and venues."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from epipolis.engines.twin.draws import Flags, stream


@dataclass(frozen=True)
class Tongue:
    """One language of the city; `share` is its share of households."""

    code: str
    share: float
    families: tuple[str, ...]
    women: tuple[str, ...]
    men: tuple[str, ...]
    has_two_surnames: bool = False
    shares_surname: bool = False


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


TONGUES = (
    Tongue(
        "zh-Hant",
        0.44,
        _words("陳 林 黃 張 李 王 吳 劉 蔡 楊 許 鄭 謝 郭 洪 曾 邱 廖 賴 徐 周 葉 蘇 莊 江 呂 何 羅 高 潘"),
        _words("淑芬 美玲 雅婷 怡君 佳穎 詩涵 欣怡 宜蓁 秀英 麗華 玉珍 思妤 品妍 心怡 惠雯 子晴 語彤 靜宜 筱涵 若彤"),
        _words("志明 俊傑 建宏 家豪 冠宇 承恩 宇翔 柏翰 文雄 國華 明哲 信宏 品睿 子軒 彥廷 浩宇 宗翰 正雄 哲瑋 睿恩"),
    ),
    Tongue(
        "es",
        0.22,
        _words(
            "García Martínez López Sánchez Pérez Gómez Fernández Díaz Ruiz Torres Ramírez Flores Castro Ortega Vargas "
            "Romero Herrera Medina Aguilar Reyes Núñez Ibáñez Salazar Peña Cordero"
        ),
        _words(
            "María Lucía Carmen Sofía Valentina Elena Isabel Paula Camila Rosa Ana Inés Teresa Daniela Marta Noelia "
            "Julia Pilar Ximena Alba"
        ),
        _words(
            "José Juan Carlos Luis Miguel Javier Alejandro Diego Mateo Andrés Manuel Pablo Raúl Sergio Tomás Hugo "
            "Ramón Iván Joaquín Emilio"
        ),
        has_two_surnames=True,
    ),
    Tongue(
        "en",
        0.18,
        _words(
            "Walker Bennett Carter Hughes Murphy Foster Coleman Barnes Osei Campbell Reed Ellis Morgan Shaw Grant "
            "Okafor Palmer Webb Doyle Lambert"
        ),
        _words("Emma Grace Olivia Hannah Chloe Ruth Alice Megan Nora Joyce Amelia Freya Claire Abena Ivy Susan"),
        _words("James Daniel Thomas Oliver Henry George Samuel Peter Kwame Adam Jack Simon Leo Arthur Noah Ian"),
        shares_surname=True,
    ),
    Tongue(
        "vi",
        0.08,
        _words("Nguyễn Trần Lê Phạm Hoàng Phan Vũ Đặng Bùi Đỗ Hồ Ngô Dương Lý"),
        _words("Lan Hương Linh Thảo Mai Ngọc Trang Hà Hạnh Phương Vân Yến"),
        _words("Minh Hùng Dũng Tuấn Nam Long Khoa Phúc Đức Quang Bảo Sơn"),
    ),
    Tongue(
        "uk",
        0.04,
        _words("Шевченко Бондаренко Коваленко Ткаченко Кравчук Мельник Поліщук Савченко Гончар Руденко"),
        _words("Олена Марія Оксана Ірина Софія Наталія Юлія Дарина Леся Ганна"),
        _words("Андрій Олександр Тарас Богдан Микола Дмитро Іван Остап Максим Юрій"),
        shares_surname=True,
    ),
    Tongue(
        "ar",
        0.04,
        _words("حداد منصور خوري سليم نجار عيسى درويش كنعان صالح حمدان"),
        _words("فاطمة مريم ليلى نور سارة هدى رنا سلمى دانا أمل"),
        _words("أحمد يوسف عمر خالد سامي كريم طارق حسن زياد فارس"),
    ),
)

_PLAIN = _words(
    "Harbour Mill Lantern Orchard River Temple Garden Foundry Station Willow Market Cedar Bridge Quarry Lotus Meadow "
    "Copper Chapel Heron Camphor Old New North South East West Upper Lower Silk Salt"
)
_SITES = _words("Gate Hill Row Park Cross Bank Green Field Wharf Heights Corner Lane Court Yard End Vale")
_STREETS = _words("Street Road Avenue Lane Walk Terrace Alley Way")
_VENUES: dict[str, tuple[str, ...]] = {
    "workplace": ("Works", "Offices", "Workshop", "Logistics", "Studio", "Insurance", "Electronics"),
    "nursery": ("Nursery",),
    "school": ("School",),
    "shop": ("Grocery", "Bakery", "Pharmacy", "Hardware", "Supermarket", "Stationers"),
    "restaurant": ("Noodle House", "Kitchen", "Cantina", "Tea Room", "Grill", "Dumpling House"),
    "market": ("Market Hall",),
    "gym": ("Gym", "Swimming Hall"),
    "worship": ("Temple", "Church", "Mosque"),
    "bar": ("Bar", "Karaoke"),
    "cinema": ("Cinema",),
    "transit_hub": ("Station", "Interchange"),
    "clinic": ("Clinic",),
    "hospital": ("Hospital",),
    "library": ("Library",),
    "care_home": ("Care Home",),
}
_STREETS_PER_NEIGHBOURHOOD = 6

Texts = NDArray[np.object_]
Numbers = NDArray[np.integer[Any]]


def area_names(count: int, seed: int, purpose: str) -> list[str]:
    """Distinct names; after the first 480 they repeat with a number."""
    pairs = [f"{plain} {site}" for plain in _PLAIN for site in _SITES]
    order = stream(seed, purpose).permutation(len(pairs))
    chosen = [pairs[order[number % len(pairs)]] for number in range(count)]
    return [name if number < len(pairs) else f"{name} {number // len(pairs) + 1}" for number, name in enumerate(chosen)]


def addresses(neighbourhoods: Numbers, random: np.random.Generator) -> Texts:
    """A street of the neighbourhood and a house number."""
    streets = np.array([f"{plain} {street}" for street in _STREETS for plain in _PLAIN], object)
    own = random.integers(0, _STREETS_PER_NEIGHBOURHOOD, len(neighbourhoods))
    street = neighbourhoods.astype(np.int64) * _STREETS_PER_NEIGHBOURHOOD + own
    numbers = random.integers(1, 180, len(neighbourhoods)).astype(str).astype(object)
    return np.asarray(streets[street % len(streets)] + " " + numbers, object)


def venue_names(kind: str, count: int, random: np.random.Generator) -> list[str]:
    """Names of venues of one kind; two venues may share a name, as branches do."""
    families = [name for tongue in TONGUES if tongue.code in ("es", "en") for name in tongue.families]
    heads = (*_PLAIN, *families)
    tails = _VENUES[kind]
    first, last = random.integers(0, len(heads), count), random.integers(0, len(tails), count)
    return [f"{heads[i]} {tails[j]}" for i, j in zip(first, last, strict=True)]


def name_people(household: Numbers, role: Numbers, is_female: Flags, seed: int) -> tuple[Texts, Texts, Texts]:
    """Given name, family name and language of each person; a household speaks one language.

    Children carry the first adult's surname, and the partner's after it where two surnames are the custom.
    """
    random = stream(seed, "names")
    share = np.array([tongue.share for tongue in TONGUES])
    spoken = random.choice(len(TONGUES), size=int(household[-1]) + 1, p=share / share.sum())[household]
    chance = random.random((3, len(household)))
    members = np.arange(len(household))
    first = np.searchsorted(household, household)
    partner = np.minimum(first + 1, len(household) - 1)
    has_partner = (role[partner] == ord("B")) & (household[partner] == household)
    is_child = np.isin(role, [ord("C"), ord("Y")])
    given, family = np.empty(len(household), object), np.empty(len(household), object)
    for number, tongue in enumerate(TONGUES):
        own = spoken == number
        women, men, families = (np.array(names, object) for names in (tongue.women, tongue.men, tongue.families))
        surname = (chance[0] * len(families)).astype(np.int64)
        takes_first = is_child | ((role == ord("B")) & tongue.shares_surname)
        one = surname[np.where(takes_first, first, members)]
        given[own & is_female] = women[(chance[1][own & is_female] * len(women)).astype(np.int64)]
        given[own & ~is_female] = men[(chance[1][own & ~is_female] * len(men)).astype(np.int64)]
        family[own] = families[one[own]]
        if tongue.has_two_surnames:
            two = np.where(is_child & has_partner, surname[partner], (chance[2] * len(families)).astype(np.int64))
            family[own] = family[own] + " " + families[two[own]]
    languages = np.array([tongue.code for tongue in TONGUES], object)[spoken]
    return given, family, languages
