//! Every mistake beside this folder and what it is told; `TRYBUILD=overwrite` writes the texts again.

use std::env;
use std::process::Command;

/// The flags of rustc by which cases are compiled, as Cargo takes them from the environment: before all others.
const FLAGS: (&str, &str) = (
    "CARGO_ENCODED_RUSTFLAGS",
    "--cfg\x1ftrybuild\x1f--verbose\x1f-A\x1fdead_code\x1f--diagnostic-width=140",
);

/// Cases are compiled by other flags than what they depend on, and so all of that would be compiled once more. By
/// flags in the environment both are compiled alike, which takes a process that has them there.
#[test]
fn mistakes_are_told() {
    let (name, flags) = FLAGS;
    if env::var(name).is_ok_and(|known| known == flags) {
        let cases = trybuild::TestCases::new();
        cases.compile_fail("*.rs");
        return;
    }
    let program = env::current_exe().expect("a program that runs has a path");
    let mut command = Command::new(program);
    command.args(env::args_os().skip(1)).env(name, flags);
    let status = command.status().expect("the program of this test runs");
    assert!(status.success(), "see above");
}
