//! Every mistake of `ui-tests/` and what it is told; `TRYBUILD=overwrite` writes the texts again.

#[test]
fn mistakes_are_told() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("ui-tests/*.rs");
}
