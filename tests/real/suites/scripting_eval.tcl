# unit/scripting runs nearly all of its tests twice: each script as a function (`FUNCTION LOAD`), then by `EVAL`. Here is
# the second half: the model has no functions.
set file [open tests/unit/scripting.tcl]
set tests [read $file]
close $file
set found [regsub {^foreach is_eval \{0 1\}} $tests {foreach is_eval {1}} tests]
if {!$found} {
    error "tests/unit/scripting.tcl does not begin with its two halves"
}
eval $tests
