//! Rows that stay apart: what is done to an axis in front of everything else keeps them so.

use crate::batch::{applied, leak, masks, over, unit};
use sinew_ir::{Binding, DType, link, ops, rows_stay_apart};

type Outcome = Result<(), Box<dyn std::error::Error>>;

/// Two sizes of a batch that nothing else has.
const ROWS: [usize; 2] = [101, 103];

#[test]
fn every_op_over_an_axis_keeps_its_rows_apart() -> Outcome {
    let binding = Binding::new(DType::F64);
    let mut tried = 0;
    for op in ops::TABLE.iter().copied() {
        for instance in (op.test.instances)(&op) {
            let Some(single) = applied(op, &instance) else {
                continue;
            };
            let count = single.params.len();
            let callees = leak([("f", unit(&single, &[]))]);
            for mask in masks(count) {
                let program = |rows| link(unit(&over(&single, &mask, rows), callees), &binding);
                let [one, other] = ROWS.map(program);
                let (one, other) = (one?, other?);
                let found = rows_stay_apart(&one, &other);
                assert_eq!(found, Ok(()), "{} {mask:?}\n{one}", op.name);
                tried += 1;
            }
        }
    }
    assert!(tried > 300, "only {tried} applications");
    Ok(())
}
