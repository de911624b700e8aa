//! The interpreter, the pullbacks and the linker against PyTorch's values.

use sinew_ir::{DType, index_bounds, interpret, verify_program};
use sinew_testing::{Case, CaseError, LAYERS, difference, read};
use std::path::Path;

type Outcome = Result<(), Box<dyn std::error::Error>>;

fn cases() -> Result<Vec<Case>, CaseError> {
    read(Path::new(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../tests/data"
    )))
}

#[test]
fn programs_give_pytorchs_values_and_gradients() -> Outcome {
    let mut wrong = Vec::new();
    let mut tried = 0;
    for case in cases()? {
        let program = match case.program(DType::F64) {
            Ok(Some(program)) => program,
            Ok(None) => {
                assert!(LAYERS.contains(&case.op.as_str()), "{}", case.name);
                continue;
            }
            Err(e) => {
                wrong.push(format!("{}: {e}", case.name));
                continue;
            }
        };
        tried += 1;
        verify_program(&program.function)?;
        let found = interpret(&program.function, &program.inputs)?;
        assert_eq!(found.len(), program.expected.len(), "{}", case.name);
        for (i, (f, e)) in found.iter().zip(&program.expected).enumerate() {
            if let Some(what) = difference(f, e, 1e-9, 1e-14) {
                wrong.push(format!("{}, result {i}: {what}", case.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // A reader that finds no cases has nothing wrong either.
    assert!(tried >= 250, "{tried} cases are few");
    Ok(())
}

#[test]
fn operations_that_are_layers_are_named_one_by_one() -> Outcome {
    let all = cases()?;
    for op in LAYERS {
        assert!(all.iter().any(|c| c.op == *op), "no case of `{op}`");
    }
    Ok(())
}

#[test]
fn linked_losses_bound_their_labels() -> Outcome {
    for case in cases()? {
        let ignored = case.args["ignore_index"].as_i64().unwrap_or(-100);
        let expected = match case.op.as_str() {
            "cross_entropy" | "nll_loss" => ("y", 5, vec![ignored]),
            "embedding" => ("i", 10, vec![]),
            "take_along_axis" => ("i", 5, vec![]),
            _ => continue,
        };
        let program = case.program(DType::F32)?.ok_or("it is covered")?;
        let found: Vec<_> = index_bounds(&program.function)
            .into_iter()
            .map(|b| {
                (
                    program.function.params[b.param].name.as_str(),
                    b.extent,
                    b.allowed,
                )
            })
            .collect();
        assert_eq!(found, [expected], "{}", case.name);
    }
    Ok(())
}
