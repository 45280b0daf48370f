"""Criteria: definitions as data, judged with three answers: yes, no, and not known.

    check(expression, forms)            -> what is wrong with a definition, each with its place
    names(expression, forms)            -> the facts that it asks for
    evaluate(expression, facts, forms)  -> Answer(value, because): True, False or None, with reasons in words
    compile_judge(expression, forms)    -> a function of facts that gives the value alone, for judging many

An expression is one of (plain data, as YAML or JSON give it):

    symptoms.fever                          the fact of this name is true
    {all: [...]}, {any: [...]}, {not: ...}  as in logic (Kleene's: what is not known only matters where it could decide)
    {at_least: 3, of: [...]}                so many of these are true
    {use: clinical}                         a named part of the definition, from `forms`
    {fact: age, is: 5}                      also in: [...], ge: 5, le: 5
    {fact: onset, within_days_before: admitted, days: 10}   0 to 10 days before the other day; also within_days_after
    {unknown: ...}                          whether the answer is not known (itself always yes or no)

Every mapping may have `text`, the criterion in words, which then stands for its whole part in the reasons, and
`unknown_counts_as: true` or `false`, where a definition says what holds until something else is found.
"""

from epipolis.engines.criteria.answers import MESSAGES, Answer, Reason
from epipolis.engines.criteria.checking import check, names
from epipolis.engines.criteria.compiling import Judge, compile_judge
from epipolis.engines.criteria.judging import evaluate

__all__ = ["MESSAGES", "Answer", "Judge", "Reason", "check", "compile_judge", "evaluate", "names"]
