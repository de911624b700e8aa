//! Pullbacks of plain calls: what a function gives, and what its model and its arguments get of given
//! cotangents.

use crate::arg::{Arg, ArgView, IntoArg, Rank};
use crate::call::with_model;
use crate::error::{Error, Result};
use crate::model::{Model, ModelFunction};
use crate::output::{Outputs, ResultView};
use crate::param::{Data, Param};
use crate::runner::Runner;
use sinew_ir::{DType, SymbolValue, Unit};
use std::any::TypeId;
use std::collections::HashMap;
use std::marker::PhantomData;
use std::sync::{Mutex, PoisonError};

/// What a function gives, and its pullback: `f::vjp(..)`.
///
/// ```
/// # use sinew::{ndarray::array, prelude::*};
/// #[model]
/// struct Line {
///     #[init(ones)]
///     slope: Param,
/// }
///
/// #[model]
/// fn heights<N>(line: &Line, x: Tensor<N>) -> Tensor<N> {
///     line.slope * x.square()
/// }
///
/// // The cotangents of the results stand behind the arguments.
/// let pulled = heights::vjp(&Line::init(0), [1.0, 3.0], [1.0, 0.5])?;
/// assert_eq!(pulled.value, array![1.0, 9.0]);
/// assert_eq!(pulled.model.slope.item()?, 5.5);
/// assert_eq!(pulled.inputs, array![2.0, 3.0]);
/// # Ok::<(), sinew::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Vjp<V, M, I> {
    /// What the function gives.
    pub value: V,
    /// What each parameter gets, as a model; zeros for states, and for parameters that the results do not
    /// depend on. `()` of a function without a model.
    pub model: M,
    /// What each float argument gets: an array like it, a tuple of them for several.
    pub inputs: I,
}

/// That of `F`, whose float arguments get `I`.
pub(crate) type VjpOf<F, I> = Vjp<
    <<F as ModelFunction>::Output as Outputs>::Narrow,
    <F as ModelFunction>::Model,
    <I as Outputs>::Narrow,
>;

/// `F` with its pullback, of parameters too if `TRAINED`, as a function.
struct Pulled<F, const TRAINED: bool>(PhantomData<F>);

impl<F: ModelFunction, const TRAINED: bool> ModelFunction for Pulled<F, TRAINED> {
    type Model = F::Model;
    type Inputs = ();
    type Output = ();
    const UNIT: &'static Unit = F::UNIT;

    fn unit() -> Result<&'static Unit> {
        /// Made once a function, and kept as long as the programs of the function are.
        static MADE: Mutex<Option<HashMap<TypeId, &'static Unit>>> = Mutex::new(None);
        let key = TypeId::of::<Self>();
        let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
        let made = made.get_or_insert_default();
        if let Some(unit) = made.get(&key) {
            return Ok(unit);
        }
        let unit = pulled(F::UNIT, TRAINED)?;
        made.insert(key, unit);
        Ok(unit)
    }

    fn symbols(model: &Self::Model) -> Vec<(&'static str, SymbolValue)> {
        F::symbols(model)
    }
}

/// The name of the function in the text of its pullback.
const CALLEE: &str = "f";

fn pulled(unit: &'static Unit, trained: bool) -> Result<&'static Unit> {
    let text = |source| Error::Text {
        function: unit.path.into(),
        source: Box::new(source),
    };
    let function = unit.function().map_err(text)?;
    let too_large = |_| Error::TooLarge {
        tensor: format!("gradients of `{}`", unit.path),
        shape: "all together".to_string(),
    };
    let pulled = sinew_ir::vjp(&function, CALLEE, trained).map_err(too_large)?;
    Ok(Box::leak(Box::new(Unit {
        path: Box::leak(format!("{}::vjp", unit.path).into_boxed_str()),
        file: unit.file,
        text: Box::leak(pulled.to_string().into_boxed_str()),
        callees: Box::leak(Box::new([(CALLEE, unit)])),
        consts: unit.consts,
    })))
}

/// Runs `F` once on the model and the arguments, behind which are the cotangents of its float results, on
/// the CPU: of the function as [`call`](crate::call) runs it, with the same random elements and without
/// dropout. It is computed in f32, or in f64 where a parameter or an argument is of f64; arrays are f32 in
/// any case, and the model has the type that it was computed in. The model stays as it is.
///
/// # Errors
/// As [`Runner::run`].
pub fn vjp<F: ModelFunction, I: Outputs>(
    model: &F::Model,
    arguments: &[ArgView<'_>],
) -> Result<VjpOf<F, I>> {
    pulled_back::<F, I, true>(model, arguments)
}

/// The gradient of the loss `F` by each float argument: see [`vjp`].
///
/// # Errors
/// As [`Runner::run`].
pub fn gradient_by_inputs<F: ModelFunction, I: Outputs>(
    model: &F::Model,
    arguments: &[ArgView<'_>],
) -> Result<I::Narrow> {
    let one = 1.0f32;
    let mut all = arguments.to_vec();
    all.push(IntoArg::<Arg<f32, Rank<0>>>::arg(&one));
    Ok(pulled_back::<F, I, false>(model, &all)?.inputs)
}

fn pulled_back<F: ModelFunction, I: Outputs, const TRAINED: bool>(
    model: &F::Model,
    arguments: &[ArgView<'_>],
) -> Result<VjpOf<F, I>> {
    with_model::<Pulled<F, TRAINED>, Runner<Pulled<F, TRAINED>>, _>(model, arguments, |runner| {
        let starts = runner.trained_starts();
        let (values, inputs) = (<F::Output as Outputs>::COUNT, I::COUNT);
        let packed = usize::from(TRAINED && starts.iter().any(Option::is_some));
        runner.run_counted(arguments, values + packed + inputs, |results| {
            let (values, rest) = results.split_at(values);
            let (packed, inputs) = rest.split_at(packed);
            let mut gradient = model.clone();
            unpack(&mut gradient, &starts, packed.first())?;
            Ok(Vjp {
                value: <F::Output as Outputs>::narrow(values)?,
                model: gradient,
                inputs: I::narrow(inputs)?,
            })
        })
    })
}

/// Sets each leaf of a model to its elements, which start in `packed` where `starts` says; to zeros without.
fn unpack<M: Model>(
    model: &mut M,
    starts: &[Option<usize>],
    packed: Option<&ResultView<'_>>,
) -> Result<()> {
    let wide = packed.is_some_and(|view| view.dtype == DType::F64);
    let elements = match packed {
        Some(view) => view.numbers::<f64>()?,
        None => Vec::new(),
    };
    let mut starts = starts.iter();
    model.visit_mut("", &mut |_, param| {
        let start = starts.next().copied().flatten();
        let count = param.elements();
        let found = start.and_then(|start| elements.get(start..start + count));
        let data = match (found, wide) {
            (Some(found), true) => Data::F64(found.to_vec()),
            (Some(found), false) => Data::F32(found.iter().map(|v| *v as f32).collect()),
            (None, true) => Data::F64(vec![0.0; count]),
            (None, false) => Data::F32(vec![0.0; count]),
        };
        *param = Param::from_data(param.shape(), data);
    });
    Ok(())
}
