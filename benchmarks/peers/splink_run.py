"""Link incoming records to a base with splink on DuckDB; weights learned on one city, pairs predicted on another.

splink_run.py FOLDER    reads {learn,score}_{base,incoming}.parquet, writes {learn,score}_pairs.parquet, seconds.json
"""

import json
import sys
import time
from pathlib import Path

import duckdb
import splink.comparison_library as cl
from splink import DuckDBAPI, Linker, SettingsCreator, block_on

NEAR_PHONE = "levenshtein(phone_l, phone_r) <= 1"
# A household shares all of these, so they count once: as fields of their own they would link its members.
REACHED = cl.CustomComparison(
    output_column_name="reached",
    comparison_levels=[
        {
            "sql_condition": "(phone_l is null or phone_r is null) and (address_l is null or address_r is null)",
            "label_for_charts": "nothing known",
            "is_null_level": True,
        },
        {"sql_condition": "phone_l = phone_r and address_l = address_r", "label_for_charts": "both"},
        {"sql_condition": "phone_l = phone_r", "label_for_charts": "phone"},
        {"sql_condition": "jaro_winkler_similarity(address_l, address_r) > 0.95", "label_for_charts": "address"},
        {"sql_condition": NEAR_PHONE, "label_for_charts": "one digit"},
        {"sql_condition": "neighbourhood_l = neighbourhood_r", "label_for_charts": "neighbourhood"},
        {"sql_condition": "else", "label_for_charts": "nothing"},
    ],
)
SETTINGS = SettingsCreator(
    link_type="link_only",
    comparisons=[
        cl.ForenameSurnameComparison(
            "given", "family", jaro_winkler_thresholds=[0.92, 0.88, 0.8], forename_surname_concat_col_name="whole"
        ),
        cl.DateOfBirthComparison("birth", input_is_string=True),
        cl.ExactMatch("birth_year"),
        cl.ExactMatch("sex"),
        cl.ExactMatch("email"),
        REACHED,
    ],
    blocking_rules_to_generate_predictions=[
        block_on("phone"),
        block_on("email"),
        block_on("given", "family"),
        "l.given = r.family and l.family = r.given",
        block_on("birth", "family"),
        block_on("birth", "given"),
        block_on("birth", "substr(family, 1, 1)"),
        block_on("birth_year", "substr(given, 1, 3)", "substr(family, 1, 3)"),
        block_on("address", "given"),
        block_on("address", "family"),
        block_on("birth", "neighbourhood"),
    ],
    retain_matching_columns=True,
)


def linker_of(folder: Path, part: str, settings: object) -> Linker:
    api = DuckDBAPI(duckdb.connect())
    tables = [
        api.register(duckdb.read_parquet(str(folder / f"{part}_{side}.parquet")).df(), dataset_display_name=side)
        for side in ("base", "incoming")
    ]
    return Linker(tables, settings, log_level=40)


def learn(linker: Linker) -> None:
    rules = [block_on("birth", "given", "family"), block_on("phone", "given"), block_on("email")]
    linker.training.estimate_probability_two_random_records_match(rules, recall=0.6)
    linker.training.estimate_u_using_random_sampling(max_pairs=5e6, seed=1)
    for rule in (block_on("birth", "sex"), block_on("given", "family")):
        linker.training.estimate_parameters_using_expectation_maximisation(rule)


def main() -> None:
    folder = Path(sys.argv[1])
    seconds: dict[str, float] = {}
    begun = time.perf_counter()
    linker = linker_of(folder, "learn", SETTINGS)
    learn(linker)
    seconds["learn"] = time.perf_counter() - begun
    model = folder / "model.json"
    linker.misc.save_model_to_json(str(model), overwrite=True)
    for part in ("learn", "score"):
        begun = time.perf_counter()
        pairs = linker_of(folder, part, str(model)).inference.predict(threshold_match_probability=0.001)
        table = pairs.as_duckdbpyrelation()
        # Twins and a household agree in all but the given name: such pairs are no answer, however much else agrees.
        table = table.filter("gamma_given_family not in (0, 1, 2) or given_l = given_r")
        table.select("unique_id_l, unique_id_r, match_weight").write_parquet(str(folder / f"{part}_pairs.parquet"))
        seconds[part] = time.perf_counter() - begun
    (folder / "seconds.json").write_text(json.dumps(seconds))


if __name__ == "__main__":
    main()
