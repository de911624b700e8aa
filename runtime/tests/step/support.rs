//! A small network with hand-written units: what the macro would emit for it.

use safetensors::SafeTensors;
use sinew_ir::Unit;
use sinew_runtime::{
    Arg, Attachment, FirstModel, Float, Model, ModelFunction, Models, Optimizer, Out, Param,
    Precision, Rank, Result, Runner, Shared, Trained, Trainer, join,
};

#[path = "../../../tests/support/digits.rs"]
mod data;
pub use data::digits;

#[derive(Clone)]
pub struct Digits {
    pub hidden: [Param; 2],
    pub out: [Param; 2],
}

impl Model for Digits {
    fn visit<'m>(&'m self, prefix: &str, f: &mut dyn FnMut(&str, &'m Param)) {
        for (layer, params) in [("hidden", &self.hidden), ("out", &self.out)] {
            f(&join(&join(prefix, layer), "w"), &params[0]);
            f(&join(&join(prefix, layer), "b"), &params[1]);
        }
    }
    fn visit_mut(&mut self, prefix: &str, f: &mut dyn FnMut(&str, &mut Param)) {
        for (layer, params) in [("hidden", &mut self.hidden), ("out", &mut self.out)] {
            let [w, b] = params;
            f(&join(&join(prefix, layer), "w"), w);
            f(&join(&join(prefix, layer), "b"), b);
        }
    }
}

/// The loss's text with an activation and its derivative from its output %9 and the cotangent %28.
macro_rules! loss_text {
    ($activation:literal, $derivative:literal) => {
        concat!(
            "fn @loss<B>(%m: Digits { hidden: Linear { w: param float[64, 32], b: param float[32] }, ",
            "out: Linear { w: param float[32, 10], b: param float[10] } }, %x: float[B, 64], %y: i32[B]) ",
            "-> float[] {
  %6 = dot %x, %m.hidden.w contract_x [1] contract_y [0] at 10:3
  %7 = broadcast %m.hidden.b shape [B, 32] new [0] at 10:4
  %8 = add %6, %7 at 10:5
  %9 = ", $activation, " %8 at 11:7
  %10 = dot %9, %m.out.w contract_x [1] contract_y [0] at 12:3
  %11 = broadcast %m.out.b shape [B, 10] new [0] at 12:4
  %12 = add %10, %11 at 12:5
  %13 = cross_entropy %12, %y axis [1] ignore_index -100 label_smoothing 0 at 13:5
  %14 = mean %13 axes [0] at 13:5
  return %14
}
pullback(%15: float[]) {
  %16 = softmax %12 axis [1]
  %17 = iota dtype i32 shape [B, 10] axis [1]
  %18 = broadcast %y shape [B, 10] new [1]
  %19 = eq %17, %18
  %20 = cast %19 dtype float
  %21 = sub %16, %20
  %22 = extent dims [B] dtype float shape []
  %23 = div %15, %22
  %24 = broadcast %23 shape [B, 10] new [0, 1]
  %25 = mul %21, %24
  %26 = sum %25 axes [0]
  %27 = dot %9, %25 contract_x [0] contract_y [0]
  %28 = dot %25, %m.out.w contract_x [1] contract_y [1]
", $derivative, "
  %32 = sum %31 axes [0]
  %33 = dot %x, %31 contract_x [0] contract_y [0]
  return %m.hidden.w: %33, %m.hidden.b: %32, %m.out.w: %27, %m.out.b: %26
}
"
        )
    };
}

static RELU: Unit = Unit {
    path: "loss",
    file: "src/digits.rs",
    text: loss_text!(
        "relu",
        "  %29 = const value 0 dtype float shape [B, 32]
  %30 = le %9, %29
  %31 = select %30, %29, %28"
    ),
    callees: &[],
    consts: &[],
};

static LOGITS: Unit = Unit {
    path: "logits",
    file: "src/digits.rs",
    text:
        "fn @logits<B>(%m: Digits { hidden: Linear { w: param float[64, 32], b: param float[32] }, \
           out: Linear { w: param float[32, 10], b: param float[10] } }, %x: float[B, 64]) \
           -> float[B, 10] {
  %6 = dot %x, %m.hidden.w contract_x [1] contract_y [0] at 10:3
  %7 = broadcast %m.hidden.b shape [B, 32] new [0] at 10:4
  %8 = add %6, %7 at 10:5
  %9 = relu %8 at 11:7
  %10 = dot %9, %m.out.w contract_x [1] contract_y [0] at 12:3
  %11 = broadcast %m.out.b shape [B, 10] new [0] at 12:4
  %12 = add %10, %11 at 12:5
  return %12
}
",
    callees: &[],
    consts: &[],
};

macro_rules! function {
    ($name:ident, $unit:ident, $inputs:ty, $output:ty) => {
        pub enum $name {}
        impl ModelFunction for $name {
            type Models = (Digits,);
            type Inputs = $inputs;
            type Output = $output;
            const UNIT: &'static Unit = &$unit;
        }
    };
}
pub type Images = Arg<Float, Rank<2>>;
pub type Labels = Arg<i32, Rank<1>>;
function!(Relu, RELU, (Images, Labels), Out<Float, Rank<0>>);
function!(Logits, LOGITS, (Images,), Out<Float, Rank<2>>);

pub const DATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/data");

/// The parameters that all runs start from.
pub fn start() -> Digits {
    let bytes = std::fs::read(format!("{DATA}/train.safetensors")).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let mut model = Digits {
        hidden: [Param::zeros(&[64, 32]), Param::zeros(&[32])],
        out: [Param::zeros(&[32, 10]), Param::zeros(&[10])],
    };
    model.visit_mut("", &mut |path, param| {
        let tensor = file.tensor(&format!("digits_mlp/init/{path}")).unwrap();
        let words = tensor.data().as_chunks().0;
        let values: Vec<f64> = words.iter().map(|w| f64::from_le_bytes(*w)).collect();
        param.set(values).unwrap();
    });
    model
}

/// A runner of `F`, a function of one model, on that of a trainer.
pub fn attach<F: ModelFunction>(trained: &impl Trained<FirstModel<F>>) -> Result<Runner<F>>
where
    F::Models: Models<Attachments = (Attachment<FirstModel<F>>,)>,
{
    sinew_runtime::attach::<F>((trained.attachment(),))
}

pub fn build<F: ModelFunction<Models = (Digits,)>>(
    optimizer: impl Into<Optimizer>,
    precision: Precision,
) -> Trainer<F> {
    sinew::__private::train::<F>((Shared::new(start()),))
        .optimizer(optimizer)
        .precision(precision)
        .build()
        .unwrap()
}
