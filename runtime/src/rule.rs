//! Update rules: what an optimizer does to each parameter, written as a model function.

use crate::device::Precision;
use crate::engine::known;
use crate::error::{Error, Result};
use crate::model::{FunctionFacts, Model, ModelFunction};
use crate::models::Facts;
use sinew_ir::{Function, Symbol, SymbolValue, Unit};
use std::any::TypeId;

/// An update rule: the settings of a model function that makes new parameters of gradients.
///
/// The function is [`Update`](UpdateRule::Update). It takes, in this order,
///
/// - the rule itself, whose settings it reads (`rule.momentum`) and chooses by (`if rule.nesterov { .. }`);
/// - a parameter, and its gradient;
/// - what the rule keeps of that parameter from step to step: its states, which start with zeros;
/// - scalars whose names [`number`](UpdateRule::number) knows: the learning rate is `rate`.
///
/// Parameter, gradient and states have one type, and so have its results: the new parameter, then the new states. With
/// `Tensor<[S]>` it is for parameters of any rank; with `Tensor<R, C>` for matrices alone, and so on. A state that
/// a rule for any rank neither reads nor changes takes no memory.
///
/// It becomes part of the compiled step, as the rules of this library do, which are written in the same way.
///
/// ```
/// use sinew::optim::{Descent, UpdateRule};
/// use sinew::prelude::*;
///
/// /// The sign of the gradient, smoothed (Chen et al., "Symbolic discovery of optimization algorithms", 2023).
/// #[model]
/// struct Lion {
///     beta1: f64,
///     beta2: f64,
/// }
///
/// #[model]
/// fn lion<S>(
///     rule: &Lion,
///     p: Tensor<[S]>,
///     g: Tensor<[S]>,
///     m: Tensor<[S]>,
///     rate: Tensor,
/// ) -> (Tensor<[S]>, Tensor<[S]>) {
///     let direction = rule.beta1 * m + (1 - rule.beta1) * g;
///     (p - rate * direction.sign(), rule.beta2 * m + (1 - rule.beta2) * g)
/// }
///
/// impl UpdateRule for Lion {
///     type Update = lion;
/// }
///
/// #[model]
/// struct Line {
///     #[init(zeros)]
///     slope: Param,
/// }
///
/// #[model]
/// fn loss<N>(line: &Line, x: Tensor<N>, y: Tensor<N>) -> Tensor {
///     mse(line.slope * x, y)
/// }
///
/// let rule = Lion { beta1: 0.9, beta2: 0.99 };
/// let mut train = loss::train(Line::init(0)).optimizer(Descent::by(rule, 0.1)).build()?;
/// train.step([1.0], [2.0])?;
/// assert!((train.model()?.slope.item()? - 0.1).abs() < 1e-6);
/// # Ok::<(), sinew::Error>(())
/// ```
pub trait UpdateRule: Model + Sync {
    /// The function.
    type Update: ModelFunction<Models = (Self,)>;

    /// A scalar of a step by the name of the function's parameter; `None` if there is none of that name. It is
    /// computed in f64, as often as there are steps. The learning rate alone, as `rate`, unless a rule says otherwise.
    fn number(&self, name: &str, at: Moment) -> Option<f64> {
        (name == "rate").then_some(at.rate)
    }

    /// What its settings must be; nothing unless a rule says so.
    fn limits(&self) -> Vec<Limit> {
        Vec::new()
    }

    /// The setting that [`Group::weight_decay`](crate::Group::weight_decay) changes, if it has one.
    fn weight_decay(&mut self) -> Option<&mut f64> {
        None
    }
}

/// When an update is made.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Moment {
    /// The learning rate of this step.
    pub rate: f64,
    /// The number of the step, from 1.
    pub step: u64,
}

/// What a setting of a rule must be, as the working float holds it.
#[derive(Debug, Clone)]
pub struct Limit {
    name: &'static str,
    value: f64,
    range: &'static str,
    fits: fn(f64) -> bool,
}

impl Limit {
    /// Finite and at least 0.
    pub fn not_negative(name: &'static str, value: f64) -> Limit {
        let fits = |v: f64| v >= 0.0 && v.is_finite();
        Limit::new(name, value, "finite and at least 0", fits)
    }

    /// At least 0 and below 1.
    pub fn below_one(name: &'static str, value: f64) -> Limit {
        Limit::new(name, value, "at least 0 and below 1", |v| {
            (0.0..1.0).contains(&v)
        })
    }

    /// Finite and above 0.
    pub fn above_zero(name: &'static str, value: f64) -> Limit {
        let fits = |v: f64| v > 0.0 && v.is_finite();
        Limit::new(name, value, "finite and above 0", fits)
    }

    /// A range of your own, in words (`"above 0 and below 2"`), and what fits it.
    pub fn new(
        name: &'static str,
        value: f64,
        range: &'static str,
        fits: fn(f64) -> bool,
    ) -> Limit {
        Limit {
            name,
            value,
            range,
            fits,
        }
    }

    /// Refuses what the working float holds and does not fit: 1e39 is infinite in f32, and 1 - 1e-9 is 1.
    ///
    /// # Errors
    /// [`Error::Setting`].
    pub(crate) fn check(&self, precision: Precision) -> Result<()> {
        let held = match precision {
            Precision::F32 => f64::from(self.value as f32),
            Precision::F64 => self.value,
        };
        let range = match ((self.fits)(held), (self.fits)(self.value)) {
            (true, _) => return Ok(()),
            (false, true) => format!("{} in f32", self.range),
            (false, false) => self.range.to_string(),
        };
        Err(Error::Setting {
            name: self.name,
            value: self.value,
            range,
        })
    }
}

/// A rule of any type.
pub(crate) trait AnyRule: Send + Sync {
    /// Its function.
    ///
    /// # Errors
    /// A stored text that is no function.
    fn unit(&self) -> Result<&'static Unit>;
    /// The function's type.
    fn owner(&self) -> TypeId;
    /// The values of the function's symbols that its settings and rustc's consts give.
    ///
    /// # Errors
    /// As [`Model::settings`].
    fn known(&self, function: &Function) -> Result<Vec<(Symbol, SymbolValue)>>;
    /// [`UpdateRule::number`].
    fn number(&self, name: &str, at: Moment) -> Option<f64>;
    /// [`UpdateRule::limits`].
    fn limits(&self) -> Vec<Limit>;
    /// [`UpdateRule::weight_decay`].
    fn weight_decay(&mut self) -> Option<&mut f64>;
    /// A copy.
    fn copy(&self) -> Box<dyn AnyRule>;
}

impl<R: UpdateRule> AnyRule for R {
    fn unit(&self) -> Result<&'static Unit> {
        R::Update::unit()
    }

    fn owner(&self) -> TypeId {
        TypeId::of::<R::Update>()
    }

    fn known(&self, function: &Function) -> Result<Vec<(Symbol, SymbolValue)>> {
        let facts = FunctionFacts::of::<R::Update>()?;
        known(facts, function, &[Facts::of(self)?])
    }

    fn number(&self, name: &str, at: Moment) -> Option<f64> {
        UpdateRule::number(self, name, at)
    }

    fn limits(&self) -> Vec<Limit> {
        UpdateRule::limits(self)
    }

    fn weight_decay(&mut self) -> Option<&mut f64> {
        UpdateRule::weight_decay(self)
    }

    fn copy(&self) -> Box<dyn AnyRule> {
        Box::new(self.clone())
    }
}
