//! Optimizers: an update rule at a learning rate, with clipping, and groups of parameters that have it otherwise.

use crate::device::Precision;
use crate::error::Result;
use crate::rule::{AnyRule, Limit, UpdateRule};
use std::fmt;

/// How gradients are clipped.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Clip {
    /// The greatest norm of all of them together.
    pub norm: Option<f64>,
    /// The greatest magnitude of an element.
    pub value: Option<f64>,
}

/// An update rule of any type at a learning rate, with clipping: what a trainer takes.
///
/// The optimizers of this library become one; a program that chooses one as it runs holds this type.
///
/// ```
/// use sinew::optim::Optimizer;
/// use sinew::prelude::*;
///
/// let fast = true;
/// let optimizer: Optimizer = match fast {
///     true => Adam::new(0.01).into(),
///     false => Sgd::new(0.1).into(),
/// };
/// # drop(optimizer);
/// ```
#[derive(Debug, Clone)]
pub struct Optimizer {
    pub(crate) learning_rate: f64,
    pub(crate) clip: Clip,
    pub(crate) rule: Rule,
}

impl Optimizer {
    /// By a rule, at a learning rate.
    pub fn new(rule: impl UpdateRule, learning_rate: f64) -> Optimizer {
        Optimizer {
            learning_rate,
            clip: Clip::default(),
            rule: Rule(Box::new(rule)),
        }
    }

    /// Scales all gradients together by `min(1, greatest / (norm + 1e-6))`, norm being the Euclidean norm over all
    /// of them; `None` leaves them as they are. The norm before that is [`Step::grad_norm`](crate::Step::grad_norm).
    pub fn clip_grad_norm(mut self, greatest: impl Into<Option<f64>>) -> Optimizer {
        self.clip.norm = greatest.into();
        self
    }

    /// Brings each element of the gradients between `-greatest` and `greatest`, before their norm is taken; `None`
    /// leaves them as they are.
    pub fn clip_grad_value(mut self, greatest: impl Into<Option<f64>>) -> Optimizer {
        self.clip.value = greatest.into();
        self
    }

    /// Refuses a learning rate and bounds that no update can use.
    ///
    /// # Errors
    /// [`Error::Setting`](crate::Error::Setting).
    pub(crate) fn check(&self, precision: Precision) -> Result<()> {
        check_rate(self.learning_rate, precision)?;
        for (name, greatest) in [
            ("greatest gradient norm", self.clip.norm),
            ("greatest gradient element", self.clip.value),
        ] {
            if let Some(greatest) = greatest {
                Limit::new(name, greatest, "above 0", |v| v > 0.0).check(precision)?;
            }
        }
        self.rule.check(precision)
    }
}

/// Refuses a learning rate that is none.
///
/// # Errors
/// [`Error::Setting`](crate::Error::Setting).
pub(crate) fn check_rate(rate: f64, precision: Precision) -> Result<()> {
    Limit::not_negative("learning rate", rate).check(precision)
}

/// Refuses a share of the learning rate that is none.
///
/// # Errors
/// [`Error::Setting`](crate::Error::Setting).
pub(crate) fn check_scale(scale: f64, precision: Precision) -> Result<()> {
    Limit::not_negative("learning rate scale", scale).check(precision)
}

/// A rule of any type.
pub(crate) struct Rule(pub Box<dyn AnyRule>);

impl Rule {
    /// Refuses settings that the rule cannot use.
    ///
    /// # Errors
    /// [`Error::Setting`](crate::Error::Setting).
    pub fn check(&self, precision: Precision) -> Result<()> {
        self.0.limits().iter().try_for_each(|l| l.check(precision))
    }
}

impl Clone for Rule {
    fn clone(&self) -> Rule {
        Rule(self.0.copy())
    }
}

impl fmt::Debug for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.unit() {
            Ok(unit) => write!(f, "Rule({})", unit.path),
            Err(_) => f.write_str("Rule"),
        }
    }
}

/// What a group of parameters has otherwise than the others: see [`TrainBuilder::group`](crate::TrainBuilder::group).
#[derive(Debug, Clone)]
#[must_use = "the closure gives it back"]
pub struct Group {
    pub(crate) scale: f64,
    pub(crate) weight_decay: Option<f64>,
    pub(crate) rule: Option<Rule>,
}

impl Group {
    /// As all others.
    pub(crate) fn new() -> Group {
        Group {
            scale: 1.0,
            weight_decay: None,
            rule: None,
        }
    }

    /// Its weight decay.
    pub fn weight_decay(mut self, weight_decay: f64) -> Group {
        self.weight_decay = Some(weight_decay);
        self
    }

    /// What its learning rate is of the trainer's, whatever that comes to be.
    pub fn learning_rate_scale(mut self, scale: f64) -> Group {
        self.scale = scale;
        self
    }

    /// Another rule than the others have: `g.rule(AdamW::new(0.0).rule)`.
    pub fn rule(mut self, rule: impl UpdateRule) -> Group {
        self.rule = Some(Rule(Box::new(rule)));
        self
    }
}
