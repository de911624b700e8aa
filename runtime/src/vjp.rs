//! Pullbacks of plain calls: what a function gives, and what its models and its arguments get of given
//! cotangents.

use crate::arg::{Arg, ArgView, Rank};
use crate::call::{Refs, with_models};
use crate::error::{Error, Result};
use crate::model::ModelFunction;
use crate::models::{Leaves, Models};
use crate::output::{Out, OutElement, OutRank, Outputs, ResultView};
use crate::param::Data;
use crate::runner::Runner;
use crate::views::{ArgViews, IntoArgs, each_arity};
use sinew_ir::{DType, Unit, VjpOf};
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
    /// What each parameter gets, as a model, of several models as a tuple of them; zeros for states, and for
    /// parameters that the results do not depend on. `()` of a function without a model.
    pub model: M,
    /// What each float argument gets: an array like it, a tuple of them for several. Of an argument that is
    /// a tuple or an array of tensors, it is one of its float tensors'.
    pub inputs: I,
}

/// That of `F`, whose float arguments get `I`.
pub(crate) type VjpResult<F, I> = Vjp<
    <<F as ModelFunction>::Output as Outputs>::Narrow,
    <<F as ModelFunction>::Models as Models>::Each,
    <I as Gradients>::Narrow,
>;

/// Gradients of float arguments: of an [`Out`] for each tensor, in tuples and arrays as the arguments are.
pub trait Gradients {
    /// Arrays of f32 (and of f64 where declared).
    type Narrow;
    /// How many tensors there are.
    const COUNT: usize;
    /// Made of the results in memory, of which there are [`Gradients::COUNT`].
    ///
    /// # Errors
    /// Too little memory, results of other ranks.
    fn narrow(results: &[ResultView<'_>]) -> Result<Self::Narrow>;
}

impl Gradients for () {
    type Narrow = ();
    const COUNT: usize = 0;
    fn narrow(_: &[ResultView<'_>]) -> Result<()> {
        Ok(())
    }
}

impl<E: OutElement, R: OutRank> Gradients for Out<E, R> {
    type Narrow = R::Tensor<E::Narrow>;
    const COUNT: usize = 1;
    fn narrow(results: &[ResultView<'_>]) -> Result<Self::Narrow> {
        R::tensor(results[0])
    }
}

impl<T: Gradients, const N: usize> Gradients for [T; N] {
    type Narrow = [T::Narrow; N];
    const COUNT: usize = N * T::COUNT;
    fn narrow(results: &[ResultView<'_>]) -> Result<Self::Narrow> {
        let parts = results.chunks(T::COUNT.max(1)).map(T::narrow);
        let parts: Vec<T::Narrow> = parts.collect::<Result<_>>()?;
        parts
            .try_into()
            .map_err(|parts: Vec<T::Narrow>| Error::Results {
                function: std::any::type_name::<[T; N]>().into(),
                expected: N,
                actual: parts.len(),
            })
    }
}

macro_rules! tuple {
    ($($part:ident $name:ident $host:ident,)*) => {
        impl<$($part: Gradients),*> Gradients for ($($part,)*) {
            type Narrow = ($($part::Narrow,)*);
            const COUNT: usize = 0 $(+ $part::COUNT)*;
            fn narrow(results: &[ResultView<'_>]) -> Result<Self::Narrow> {
                let mut rest = results;
                $(
                    let $name;
                    ($name, rest) = rest.split_at($part::COUNT);
                )*
                let _ = rest;
                Ok(($($part::narrow($name)?,)*))
            }
        }
    };
}
each_arity!(tuple);

/// `F` with its pullback as a function: by all parameters and arguments if `ALL`, of its first result by
/// arguments otherwise.
struct Pulled<F, const ALL: bool>(PhantomData<F>);

impl<F: ModelFunction, const ALL: bool> ModelFunction for Pulled<F, ALL> {
    type Models = F::Models;
    type Inputs = ();
    type Output = ();
    const UNIT: &'static Unit = F::UNIT;
    const SYMBOLS: &'static [&'static [(usize, &'static str)]] = F::SYMBOLS;

    fn unit() -> Result<&'static Unit> {
        /// Made once a function, and kept as long as the programs of the function are.
        static MADE: Mutex<Option<HashMap<TypeId, &'static Unit>>> = Mutex::new(None);
        let key = TypeId::of::<Self>();
        let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
        let made = made.get_or_insert_default();
        if let Some(unit) = made.get(&key) {
            return Ok(unit);
        }
        let of = match ALL {
            true => VjpOf::All,
            false => VjpOf::FirstByInputs,
        };
        let unit = pulled(F::UNIT, of)?;
        made.insert(key, unit);
        Ok(unit)
    }
}

/// The name of the function in the text of its pullback.
const CALLEE: &str = "f";

fn pulled(unit: &'static Unit, of: VjpOf) -> Result<&'static Unit> {
    let text = |source| Error::Text {
        function: unit.path.into(),
        source: Box::new(source),
    };
    let function = unit.function().map_err(text)?;
    let too_large = |_| Error::TooLarge {
        tensor: format!("gradients of `{}`", unit.path),
        shape: "all together".to_string(),
    };
    let pulled = sinew_ir::vjp(&function, CALLEE, of).map_err(too_large)?;
    Ok(Box::leak(Box::new(Unit {
        path: Box::leak(format!("{}::vjp", unit.path).into_boxed_str()),
        file: unit.file,
        text: Box::leak(pulled.to_string().into_boxed_str()),
        callees: Box::leak(Box::new([(CALLEE, unit)])),
        consts: unit.consts,
    })))
}

/// Runs `F` once on the models and the arguments, and its pullback on the cotangents of its float results, on
/// the CPU: of the function as [`call`](crate::call) runs it, with the same random elements and without
/// dropout. It is computed in f32, or in f64 where a parameter or an argument is of f64; arrays are f32 in
/// any case, and models have the type that it was computed in. The models stay as they are.
///
/// # Errors
/// As [`Runner::run`].
pub fn vjp<F: ModelFunction, I: Gradients, C>(
    models: Refs<'_, F>,
    arguments: impl IntoArgs<F::Inputs>,
    cotangents: impl IntoArgs<C>,
) -> Result<VjpResult<F, I>> {
    let mut views = ArgViews::of(&arguments);
    cotangents.add_to(&mut views);
    pulled_back::<F, I, true>(models, views.as_slice())
}

/// The gradient of the first result of `F`, which is a loss, by each float argument: see [`vjp`].
///
/// # Errors
/// As [`Runner::run`].
pub fn gradient_by_inputs<F: ModelFunction, I: Gradients>(
    models: Refs<'_, F>,
    arguments: impl IntoArgs<F::Inputs>,
) -> Result<I::Narrow> {
    let one = 1.0f32;
    let mut views = ArgViews::of(&arguments);
    IntoArgs::<Arg<f32, Rank<0>>>::add_to(&one, &mut views);
    Ok(pulled_back::<F, I, false>(models, views.as_slice())?.inputs)
}

fn pulled_back<F: ModelFunction, I: Gradients, const ALL: bool>(
    models: Refs<'_, F>,
    arguments: &[ArgView<'_>],
) -> Result<VjpResult<F, I>> {
    with_models::<Pulled<F, ALL>, Runner<Pulled<F, ALL>>, _>(models, arguments, |runner| {
        let starts = runner.running.trained_starts();
        let (values, inputs) = (<F::Output as Outputs>::COUNT, I::COUNT);
        let packed = usize::from(ALL && starts.iter().flatten().any(Option::is_some));
        runner.run_counted(arguments, values + packed + inputs, |results| {
            let (values, rest) = results.split_at(values);
            let (packed, inputs) = rest.split_at(packed);
            let elements = match packed.first() {
                Some(view) => view.numbers::<f64>()?,
                None => Vec::new(),
            };
            let wide = packed.first().is_some_and(|view| view.dtype == DType::F64);
            let model = F::Models::changed(models, &mut |i, model| {
                let starts = starts.get(i).map_or(&[][..], Vec::as_slice);
                unpack(model, starts, &elements, wide);
            });
            Ok(Vjp {
                value: <F::Output as Outputs>::narrow(values)?,
                model,
                inputs: I::narrow(inputs)?,
            })
        })
    })
}

/// Sets each leaf of a model to its elements, which start among those of all where `starts` says; to zeros
/// without.
fn unpack(model: &mut dyn Leaves, starts: &[Option<usize>], elements: &[f64], wide: bool) {
    let mut starts = starts.iter();
    model.each_mut(&mut |_, param| {
        let start = starts.next().copied().flatten();
        let count = param.elements();
        let found = start.and_then(|start| elements.get(start..start + count));
        let data = match (found, wide) {
            (Some(found), true) => Data::F64(found.to_vec()),
            (Some(found), false) => Data::F32(found.iter().map(|v| *v as f32).collect()),
            (None, true) => Data::F64(vec![0.0; count]),
            (None, false) => Data::F32(vec![0.0; count]),
        };
        param.data = data;
    });
}
