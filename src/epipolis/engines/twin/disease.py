"""The disease as data: how it passes on, how long it takes and how hard it strikes, by age."""

from dataclasses import dataclass

FIRST_INFECTIOUS_DAY = -7
"""Day of `Disease.infectiousness[0]`, counted from the onset of symptoms."""

Decades = tuple[float, float, float, float, float, float, float, float, float]
"""One figure for each age group 0-9, 10-19, ... 70-79 and 80 or over."""


@dataclass(frozen=True)
class Disease:
    """Everything the simulation knows of a disease. Days are whole; shares are between 0 and 1.

    `transmissibility`: hazard of infection for each hour of undivided close contact with a person of average
    infectiousness, were all of the infectiousness spent in one day.
    `infectiousness`: share of it that falls on each day, from seven days before onset on.
    `dispersion`: shape k of the gamma distribution (mean 1) of personal infectiousness; small means superspreading.
    `asymptomatic_infectiousness`: relative to a person with symptoms.
    `incubation_median`, `incubation_spread`: days, and the standard deviation of its logarithm.
    `susceptibility`, `symptomatic`, `severe`, `dies`: by age; `severe` and `dies` are per infection.
    `introduced_per_100k`, `imported_per_100k_daily`: infections brought in during the week before the first day and
    on each day after.
    """

    name: str
    transmissibility: float
    infectiousness: tuple[float, ...]
    dispersion: float
    asymptomatic_infectiousness: float
    incubation_median: float
    incubation_spread: float
    susceptibility: Decades
    symptomatic: Decades
    severe: Decades
    dies: Decades
    introduced_per_100k: float = 45.0
    imported_per_100k_daily: float = 1.0

    def __post_init__(self) -> None:
        shares = (*self.infectiousness, *self.symptomatic, *self.severe, *self.dies)
        if min(shares) < 0 or max(shares) > 1:
            raise ValueError(f"{self.name}: every share must lie between 0 and 1.")
        if min(self.transmissibility, self.dispersion, self.incubation_median) <= 0:
            raise ValueError(f"{self.name}: transmissibility, dispersion and incubation must be above 0.")


COVID_19_ANCESTRAL = Disease(
    name="COVID-19 (ancestral)",
    transmissibility=0.75,
    infectiousness=(
        *(0.002, 0.009, 0.025, 0.054, 0.090, 0.122, 0.140, 0.140, 0.124, 0.100),
        *(0.073, 0.049, 0.031, 0.019, 0.010, 0.006, 0.003, 0.001, 0.001),
    ),
    dispersion=0.3,
    asymptomatic_infectiousness=0.6,
    incubation_median=5.1,
    incubation_spread=0.42,
    susceptibility=(0.40, 0.38, 0.79, 0.86, 0.80, 0.82, 0.88, 0.74, 0.74),
    symptomatic=(0.29, 0.21, 0.27, 0.33, 0.40, 0.49, 0.63, 0.69, 0.69),
    severe=(0.0005, 0.0017, 0.0072, 0.021, 0.034, 0.077, 0.133, 0.207, 0.246),
    dies=(0.00002, 0.00002, 0.0001, 0.0003, 0.001, 0.0027, 0.0077, 0.024, 0.083),
)
"""The virus of 2020 before variants.

Infectiousness by day: He et al. 2020, Nature Medicine, corrected curve. Incubation: Lauer et al. 2020, Annals of
Internal Medicine. Susceptibility and symptoms by age: Davies et al. 2020, Nature Medicine. Severe illness: Verity et
al. 2020, Lancet Infectious Diseases; deaths: O'Driscoll et al. 2021, Nature, both as rounded by Kerr et al. 2021
(Covasim). Dispersion lies between Endo et al. 2020 (0.1) and Lloyd-Smith's estimates for SARS. Asymptomatic
infectiousness lies between Buitrago-Garcia et al. 2020 (0.35) and the CDC planning scenarios (0.75). Transmissibility
is fitted to this city: about 2.5 infections by each early case when nothing is done.
"""
