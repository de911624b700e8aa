//! Kernels in files: what the verifier refuses, and what runs of the others compute.

mod support;

use sinew_codegen::dependence::dependences;
use sinew_codegen::execute::execute;
use sinew_codegen::kernel::Node;
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

/// What writes, reads and writes over one place keeps its order; all else is free.
#[test]
fn nodes_wait_for_those_whose_memory_they_meet() {
    let waits = |name: &str| {
        let case = cases().into_iter().find(|c| c.name == name).expect(name);
        let nodes = match &case.schedule.nodes[..] {
            [Node::Part(part)] => part.nodes.clone(),
            nodes => nodes.to_vec(),
        };
        let (nodes, around) = match &nodes[..] {
            [Node::Loop(l)] => (l.body.clone(), vec![l.trip]),
            _ => (nodes, Vec::new()),
        };
        dependences(&case.schedule, &nodes, &around)
    };
    // Two values side by side in the arena; the second of them is not read.
    assert_eq!(waits("values_in_the_arena"), [(0, 2)]);
    // One place for both: the second waits for the first, and the third for both.
    assert_eq!(
        waits("two_live_buffers_in_one_place"),
        [(0, 1), (0, 2), (1, 2)]
    );
    assert_eq!(waits("a_loop_over_slices"), [(0, 1)]);
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
