//! Which nodes of a schedule wait for which.

use crate::support;

use sinew_codegen::dependence::dependences;
use sinew_codegen::kernel::Node;
use support::files::text;
use support::template::schedule;

/// What writes, reads and writes over one place keeps its order; all else is free.
#[test]
fn nodes_wait_for_those_whose_memory_they_meet() {
    let waits = |name: &str| {
        let schedule = schedule(&text(name));
        let nodes = match &schedule.nodes[..] {
            [Node::Part(part)] => part.nodes.clone(),
            nodes => nodes.to_vec(),
        };
        let (nodes, around) = match &nodes[..] {
            [Node::Loop(l)] => (l.body.clone(), vec![l.trip]),
            _ => (nodes, Vec::new()),
        };
        dependences(&schedule, &nodes, &around)
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
