//! Loops mean what their unrolled forms mean: forward, pullback and pullback of the pullback.

use sinew_ir::{
    DType, Function, Order, Stage, Unit, derive_pullback, inline, interpret, parse, simplify,
    verify_stage,
};
use sinew_testing::{LoopSpec, TRIPS, leaked, loop_cases, loop_specs, step};
use std::error::Error;

/// Forward, pullback and second order of the two units, each as it is and simplified.
fn agree(
    name: &str,
    looped: &'static Unit,
    unrolled: &'static Unit,
    trip: usize,
) -> Result<(), Box<dyn Error>> {
    for case in loop_cases(name, looped, unrolled, trip, DType::F64)? {
        let check = |function: &Function, how: &str| -> Result<(), Box<dyn Error>> {
            verify_stage(function, Stage::Bound)?;
            let results = interpret(function, &case.inputs)?;
            assert_eq!(case.difference(&results, 1e-12), None, "{how}\n{function}");
            Ok(())
        };
        check(&case.function, "as it is")?;
        let mut simpler = case.function.clone();
        simplify(&mut simpler);
        check(&simpler, "simplified")?;
    }
    Ok(())
}

#[test]
fn loops_mean_what_their_unrolled_forms_mean() -> Result<(), Box<dyn Error>> {
    for spec in loop_specs() {
        for trip in TRIPS {
            agree(&spec.name, spec.looped(), spec.unrolled(trip), trip)?;
        }
    }
    Ok(())
}

/// The comparison sees a loop that starts at the wrong end, in every derivative.
#[test]
fn a_loop_from_the_other_end_is_another_function() -> Result<(), Box<dyn Error>> {
    let spec = step();
    let other = LoopSpec {
        order: Order::Backward,
        ..spec.clone()
    };
    for case in loop_cases("step", spec.looped(), other.unrolled(7), 7, DType::F64)? {
        let results = interpret(&case.function, &case.inputs)?;
        assert!(case.difference(&results, 1e-5).is_some(), "{}", case.name);
    }
    Ok(())
}

/// A body whose pullback is stored, as the macro stores it.
#[test]
fn the_bodys_stored_pullback_is_the_one_that_is_linked() -> Result<(), Box<dyn Error>> {
    let spec = step();
    let mut body = parse(spec.body.text)?;
    derive_pullback(&mut body, &|_| None)?;
    let stored = leaked("step", &body.to_string(), &[]);
    let looped = LoopSpec {
        body: stored,
        ..spec.clone()
    };
    for trip in TRIPS {
        agree(
            "stored pullback",
            looped.looped(),
            spec.unrolled(trip),
            trip,
        )?;
    }
    Ok(())
}

/// A caller whose pullback was derived where the body of the loop is not known.
#[test]
fn a_loops_pullback_is_derived_at_its_call() -> Result<(), Box<dyn Error>> {
    let spec = step();
    let run = spec.looped();
    let mut caller = parse(run.text)?;
    let body = parse(spec.body.text)?;
    let types = |values: &[sinew_ir::Value]| -> Vec<sinew_ir::Type> {
        values.iter().map(|v| body.type_of(*v).clone()).collect()
    };
    let (params, results) = (types(&body.body.params), types(&body.body.results));
    derive_pullback(&mut caller, &|_| {
        Some(sinew_ir::CalleeInfo::assumed(params.iter(), results.iter()))
    })?;
    verify_stage(&caller, Stage::Unit)?;
    let text = caller.to_string();
    assert_eq!(parse(&text)?, caller);
    assert!(text.contains(" = pullback %"), "{text}");
    let stored = leaked("run", &text, run.callees);
    for trip in TRIPS {
        agree("derived at the call", stored, spec.unrolled(trip), trip)?;
    }
    Ok(())
}

#[test]
fn a_loop_is_inlined_in_symbols_and_reads_back() -> Result<(), Box<dyn Error>> {
    for spec in loop_specs() {
        let inlined = inline(spec.looped())?;
        let text = inlined.to_string();
        assert_eq!(parse(&text).map_err(|e| format!("{e}\n{text}"))?, inlined);
    }
    Ok(())
}
