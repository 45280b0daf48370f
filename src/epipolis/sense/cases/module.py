"""Cases: the line list of an epidemic, with every belief about a case kept as it was."""

from epipolis.core.modules import Can, Module

MODULE = Module(
    title="Cases",
    icon="virus",
    permissions={
        "view": Can("See the line list and its cases", roles=("tracer", "epidemiologist", "commander", "registrar")),
        "report": Can("Report a new case", roles=("tracer", "registrar", "partner")),
        "confirm": Can("Confirm a case", roles=("tracer", "registrar")),
        "revise": Can("Change what is believed about a case", roles=("tracer", "registrar")),
        "import": Can("Import line lists", roles=("registrar", "operator", "epidemiologist")),
        "export": Can("Export the line list", roles=("epidemiologist", "registrar")),
    },
)
