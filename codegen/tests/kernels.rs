//! Kernels in files, one test a file: what the verifier refuses, and what runs of the others compute.
//! [`support::files`] says what a file is. On the GPU they run in the runtime's tests.

mod support;

use libtest_mimic::{Arguments, Failed, Trial};
use sinew_codegen::verify::verify;
use std::process::ExitCode;
use support::files::{cases, texts};

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let trial =
        |(name, text): (String, String)| Trial::test(name.clone(), move || run(&name, &text));
    libtest_mimic::run(&arguments, texts().into_iter().map(trial).collect()).exit_code()
}

fn run(name: &str, text: &str) -> Result<(), Failed> {
    for case in cases(name, text, "interp") {
        match &case.error {
            Some(what) => {
                let refused = verify(&case.schedule)
                    .err()
                    .ok_or("the verifier takes it")?;
                if !refused.to_string().contains(what) {
                    return Err(format!("{}: {refused}", case.name).into());
                }
            }
            None => drop(case.executed()),
        }
    }
    #[cfg(feature = "cpu")]
    for case in cases(name, text, "cpu") {
        if case.error.is_none() {
            case.check_compiled();
        }
    }
    Ok(())
}
