//! Parameters that the loss does not depend on are named in a warning and stay as they are.

use crate::text::{Row, Scalar, text_function};
use crate::warnings::Warnings;
use ndarray::array;
use sinew::optim::AdamW;
use sinew_ir::Unit;
use sinew_runtime::{Arg, Float, Model, ModelFunction, Out, Param, Rank, Shared, gradient};

/// A layer that leaves one of its parameters out.
static LAYER: Unit = Unit {
    path: "layer",
    file: "src/layer.rs",
    text: "fn @layer<N>(%a: param float[N], %b: param float[N], %x: float[N]) -> float[N] {
  %3 = mul %a, %x
  return %3
}
pullback(%4: float[N]) {
  %5 = mul %4, %x
  %6 = mul %4, %a
  return %a: %5, %x: %6
}
",
    callees: &[],
    consts: &[],
};

text_function!(
    /// A loss of the layer, as a macro writes it: it knows nothing of the layer's body.
    Called(Row),
    (Vec<Param>,),
    Scalar,
    "called",
    "fn @called<N>(%m: Vec { 0: param float[N], 1: param float[N] }, %x: float[N]) -> float[] {
  %3 = call @layer<N = N>(%m.0, %m.1, %x) -> float[N]
  %4 = sum %3 axes [0]
  return %4
}
pullback(%5: float[]) {
  %6 = broadcast %5 shape [N] new [0]
  %7, %8, %9 = pullback %3(%6) of [0, 1, 2]
  return %m.0: %7, %m.1: %8, %x: %9
}
",
    callees [("layer", &LAYER)]
);

text_function!(
    /// Two parameters, of which the loss uses the first.
    Half(Row),
    (Vec<Param>,),
    Scalar,
    "half",
    "fn @half<N>(%m: Vec { 0: param float[N], 1: param float[N] }, %x: float[N]) -> float[] {
  %3 = mul %m.0, %x
  %4 = sum %3 axes [0]
  return %4
}
pullback(%5: float[]) {
  %6 = broadcast %5 shape [N] new [0]
  %7 = mul %6, %x
  return %m.0: %7
}
"
);

#[test]
fn it_is_named_and_stays() {
    is_named_and_stays::<Half>("half");
}

#[test]
fn it_is_named_and_stays_where_a_call_leaves_it_out() {
    is_named_and_stays::<Called>("called");
}

fn is_named_and_stays<F>(function: &str)
where
    F: ModelFunction<
            Models = (Vec<Param>,),
            Inputs = (Arg<Float, Rank<1>>,),
            Output = Out<Float, Rank<0>>,
        >,
{
    let warnings = Warnings::default();
    let mut model = vec![Param::zeros(&[3]), Param::zeros(&[3])];
    model.iter_mut().for_each(|p| p.fill(1.0));
    // Weight decay would move a parameter whose gradient is merely zero.
    let train = sinew::__private::train::<F>((Shared::new(model),))
        .optimizer(AdamW::new(0.5).weight_decay(0.5));
    let mut trainer =
        tracing::subscriber::with_default(warnings.clone(), || train.build().unwrap());
    let seen = warnings.0.lock().unwrap();
    assert_eq!(seen.len(), 1, "{seen:?}");
    assert!(
        seen[0].contains("parameter=\"1\"") && seen[0].contains(function),
        "{seen:?}"
    );
    assert_eq!(trainer.step([1.0, 2.0, 3.0]).unwrap().loss, 6.0);
    let model = trainer.model().unwrap();
    assert_ne!(model[0].values(), array![1.0, 1.0, 1.0].into_dyn());
    assert_eq!(model[1].values(), array![1.0, 1.0, 1.0].into_dyn());
    let gradients = trainer.gradients().unwrap();
    assert_eq!(gradients[0].values(), array![1.0, 2.0, 3.0].into_dyn());
    let mut zeros = Vec::new();
    gradients.visit("", &mut |path, p| {
        zeros.push((path.to_string(), p.values().sum()))
    });
    assert_eq!(zeros[1], ("1".to_string(), 0.0));
}

#[test]
fn a_gradient_names_it_once() {
    let warnings = Warnings::default();
    let model = vec![Param::zeros(&[3]), Param::zeros(&[3])];
    tracing::subscriber::with_default(warnings.clone(), || {
        for _ in 0..3 {
            let by = gradient::<Half>((&model,), ([1.0, 2.0, 3.0],)).unwrap();
            assert_eq!(by[0].values(), array![1.0, 2.0, 3.0].into_dyn());
            assert_eq!(by[1].values(), array![0.0, 0.0, 0.0].into_dyn());
        }
    });
    let seen = warnings.0.lock().unwrap();
    assert_eq!(seen.len(), 1, "{seen:?}");
    assert!(seen[0].contains("parameter=\"1\""), "{seen:?}");
}
