//! Programs in files, one test a file: how they are scheduled, and that the schedules compute what the
//! interpreter does. [`support::programs`] says what a file is. On the GPU they run in the runtime's tests.

mod support;

use libtest_mimic::{Arguments, Failed, Trial};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use support::programs::{parts, printed, programs};
use support::template::paths;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let trial = |path: PathBuf| {
        let name = path.file_stem().expect("a name").to_string_lossy();
        Trial::test(name.into_owned(), move || run(&path))
    };
    let trials = paths("programs").into_iter().map(trial).collect();
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn run(path: &Path) -> Result<(), Failed> {
    let name = path.file_stem().expect("a name").to_string_lossy();
    let text = fs::read_to_string(path)?;
    let (input, expected) = parts(&text);
    let made = printed(&name, input);
    if made != expected {
        if std::env::var_os("BLESS").is_none() {
            return Err(format!("prints otherwise; BLESS=1 writes it anew:\n{made}").into());
        }
        fs::write(path, format!("{input}{made}"))?;
    }
    for program in programs(&name, input, "interp") {
        program.check_executed();
    }
    #[cfg(feature = "cpu")]
    for program in programs(&name, input, "cpu") {
        program.check_compiled();
    }
    Ok(())
}
