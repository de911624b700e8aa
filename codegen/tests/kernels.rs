//! Kernels in files: what the verifier refuses, and what runs of the others compute.

mod support;

use sinew_codegen::execute::execute;
use sinew_codegen::verify::verify;
use support::files::cases;

#[test]
fn every_rule_of_the_verifier_refuses_something() {
    let refused = cases()
        .into_iter()
        .filter_map(|c| Some((c.error.clone()?, c)));
    let mut count = 0;
    for (what, case) in refused {
        let error = verify(&case.schedule).expect_err(&case.name).to_string();
        assert!(error.contains(&what), "{}: {error}", case.name);
        count += 1;
    }
    assert!(count > 20);
}

#[test]
fn kernels_in_files_compute_what_they_say() {
    for case in cases().iter().filter(|c| c.runs) {
        verify(&case.schedule).unwrap_or_else(|e| panic!("{}: {e}", case.name));
        let mut expected = case.fill();
        execute(&case.schedule, &mut expected).unwrap_or_else(|e| panic!("{}: {e}", case.name));
        case.check(&expected);
        #[cfg(feature = "cpu")]
        for options in support::targets::targets() {
            let mut found = case.fill();
            support::run_compiled(&case.schedule, &mut found, &options);
            case.compare(&found, &expected, 1e-6, "compiled");
            case.check(&found);
        }
    }
}
