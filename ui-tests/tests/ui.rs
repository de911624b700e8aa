//! Every mistake beside this folder and what it is told; `TRYBUILD=overwrite` writes the texts again.

#[test]
fn mistakes_are_told() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("*.rs");
}
