//! Calls of other functions, and how: once, as a loop, as a choice, or with a checkpoint.

use crate::block::Order;
use crate::dim::{Dim, Symbol};
use crate::function::{Location, Value};
use crate::shape::Shape;
use crate::structs::StructArgument;
use crate::symbol::{Condition, Number, SymbolTerm};

/// A function that is called, and what its symbols are there.
#[derive(Clone, PartialEq, Debug)]
pub struct Target {
    /// Its name in the caller's list of callees.
    pub name: String,
    /// What its sizes, numbers and bools are here: each that a caller gives, once.
    pub symbols: Vec<(Symbol, SymbolTerm)>,
    /// What its sequence is here.
    pub sequence: Option<(Symbol, Shape)>,
    /// Axes that it is mapped over, the first one first: see [`Map`].
    pub maps: Vec<Map>,
}

/// An axis that a function is mapped over: it is called for each slice of its operands along their first
/// dims, and the first dim of its results holds what it gives for each. Random elements that it draws are
/// others for each slice.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Map {
    /// How many slices there are.
    pub extent: Dim,
    /// Which of the callee's parameters gets slices of its operand; the others get it whole.
    pub mapped: Vec<bool>,
}

/// A call of another function.
#[derive(Clone, PartialEq, Debug)]
pub struct Call {
    /// The callee.
    pub target: Target,
    /// How it is called.
    pub mode: CallMode,
    /// The arguments, one for each of the callee's parameters; that of a loop's index has none.
    pub operands: Vec<Value>,
    /// Which of them are one struct, in order.
    pub structs: Vec<StructArgument>,
    /// What it defines, one for each of the callee's results.
    pub results: Vec<Value>,
    /// Where it was written.
    pub location: Option<Location>,
}

/// How a function is called. Of these, linking leaves loops only.
#[derive(Clone, PartialEq, Debug)]
pub enum CallMode {
    /// Once.
    Plain,
    /// Once for each iteration of a loop.
    Loop(LoopMode),
    /// The first alternative whose condition holds, or else the call's target: which one is known where
    /// symbols are bound.
    Choice(Vec<Alternative>),
    /// Once; its pullback computes the callee's values again from the arguments, so that nothing of the
    /// callee has to be kept until then.
    Checkpoint,
    /// Once; its derivative is this function, which takes the arguments and behind them the cotangents of
    /// the results that are floats, and gives the cotangents of the arguments that are floats.
    Rule(Target),
    /// Once: the rule of a call. It stands where a pullback would stand otherwise.
    ByRule,
}

/// The iterations of a call that is a loop, and what each does with arguments and results.
///
/// What is carried are the parameters and the results of that role, paired in order.
#[derive(Clone, PartialEq, Debug)]
pub struct LoopMode {
    /// How many iterations there are.
    pub trip: Dim,
    /// Which iteration comes first.
    pub order: Order,
    /// What each of the callee's parameters is.
    pub params: Vec<LoopParam>,
    /// What each of the callee's results is.
    pub results: Vec<LoopResult>,
}

/// What a parameter of a loop's body is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LoopParam {
    /// The iteration's index, `i32[]`: not an argument.
    Index,
    /// The argument, in every iteration.
    Invariant,
    /// The argument in the first iteration, and then what the one before gave.
    Carried,
    /// A slice of the argument, see [`crate::Sliced`].
    Sliced {
        /// Its axis.
        axis: usize,
    },
}

/// What a result of a loop's body is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LoopResult {
    /// What the next iteration gets; after the last, the result.
    Carried,
    /// A slice of the result, which holds those of all iterations.
    Stacked {
        /// Its axis in the result.
        axis: usize,
    },
}

/// One of the functions that a call may be of.
#[derive(Clone, PartialEq, Debug)]
pub struct Alternative {
    /// When it is this one, in the caller's symbols.
    pub when: Condition,
    /// The callee.
    pub target: Target,
}

/// The pullback of a call in the primal body: cotangents of its results to those of its operands.
#[derive(Clone, PartialEq, Debug)]
pub struct PullbackCall {
    /// The first result of the call, which names it.
    pub call: Value,
    /// The cotangents of the call's results; `None` where it is zero or the result is no float.
    pub cotangents: Vec<Option<Value>>,
    /// The cotangents of the call's operands that it defines: (operand's position, value).
    pub results: Vec<(usize, Value)>,
}

impl Call {
    /// A call of one function, once.
    pub fn plain(
        target: Target,
        operands: Vec<Value>,
        results: Vec<Value>,
        location: Option<Location>,
    ) -> Self {
        Call {
            target,
            mode: CallMode::Plain,
            operands,
            structs: Vec::new(),
            results,
            location,
        }
    }

    /// Whether it has a rule, or is of one: such calls are inlined last, so that no derivative is derived
    /// from what the callee is made of.
    pub(crate) fn stays(&self) -> bool {
        match self.mode {
            CallMode::Rule(_) | CallMode::ByRule => true,
            CallMode::Plain | CallMode::Loop(_) | CallMode::Choice(_) | CallMode::Checkpoint => {
                false
            }
        }
    }

    /// Changes every dim in it.
    pub(crate) fn each_dim_mut(&mut self, f: &mut dyn FnMut(&mut Dim)) {
        self.target.each_dim_mut(f);
        match &mut self.mode {
            CallMode::Plain | CallMode::Checkpoint | CallMode::ByRule => {}
            CallMode::Rule(rule) => rule.each_dim_mut(f),
            CallMode::Loop(l) => f(&mut l.trip),
            CallMode::Choice(alternatives) => {
                for a in alternatives {
                    a.when.each_dim_mut(f);
                    a.target.each_dim_mut(f);
                }
            }
        }
    }

    /// Changes every number in it that may be a symbol's.
    pub(crate) fn each_number_mut(&mut self, f: &mut dyn FnMut(&mut Number)) {
        self.target.each_number_mut(f);
        match &mut self.mode {
            CallMode::Plain | CallMode::Checkpoint | CallMode::Loop(_) | CallMode::ByRule => {}
            CallMode::Rule(rule) => rule.each_number_mut(f),
            CallMode::Choice(alternatives) => {
                for a in alternatives {
                    a.when.each_number_mut(f);
                    a.target.each_number_mut(f);
                }
            }
        }
    }

    /// Changes every `bool` symbol in it.
    pub(crate) fn each_flag_mut(&mut self, f: &mut dyn FnMut(&mut Symbol)) {
        self.target.each_flag_mut(f);
        match &mut self.mode {
            CallMode::Plain | CallMode::Checkpoint | CallMode::Loop(_) | CallMode::ByRule => {}
            CallMode::Rule(rule) => rule.each_flag_mut(f),
            CallMode::Choice(alternatives) => {
                for a in alternatives {
                    a.when.each_flag_mut(f);
                    a.target.each_flag_mut(f);
                }
            }
        }
    }

    /// Every function that it may be of, and its rule.
    pub fn targets(&self) -> impl Iterator<Item = &Target> {
        let (alternatives, rule) = match &self.mode {
            CallMode::Choice(alternatives) => (alternatives.as_slice(), None),
            CallMode::Rule(rule) => ([].as_slice(), Some(rule)),
            CallMode::Plain | CallMode::Loop(_) | CallMode::Checkpoint | CallMode::ByRule => {
                ([].as_slice(), None)
            }
        };
        let others = alternatives.iter().map(|a| &a.target);
        others.chain(rule).chain([&self.target])
    }
}

impl Target {
    fn each_dim_mut(&mut self, f: &mut dyn FnMut(&mut Dim)) {
        self.symbols.iter_mut().for_each(|(_, t)| t.each_dim_mut(f));
        let sequence = self.sequence.iter_mut().flat_map(|(_, s)| &mut s.dims);
        sequence.for_each(&mut *f);
        self.maps.iter_mut().for_each(|m| f(&mut m.extent));
    }

    fn each_number_mut(&mut self, f: &mut dyn FnMut(&mut Number)) {
        for (_, term) in &mut self.symbols {
            term.each_number_mut(f);
        }
    }

    fn each_flag_mut(&mut self, f: &mut dyn FnMut(&mut Symbol)) {
        for (_, term) in &mut self.symbols {
            term.each_flag_mut(f);
        }
    }
}

impl LoopMode {
    /// The positions of the operands in the callee's parameters, with their roles: all but the index.
    pub fn operands(&self) -> impl Iterator<Item = (usize, LoopParam)> {
        let params = self.params.iter().copied().enumerate();
        params.filter(|(_, role)| *role != LoopParam::Index)
    }

    /// The positions in the callee's parameters of those that are carried.
    pub fn carried_params(&self) -> Vec<usize> {
        let carried = |(i, role): (usize, &LoopParam)| (*role == LoopParam::Carried).then_some(i);
        self.params.iter().enumerate().filter_map(carried).collect()
    }

    /// The positions in the callee's results of those that are carried.
    pub fn carried_results(&self) -> Vec<usize> {
        let carried = |(i, role): (usize, &LoopResult)| (*role == LoopResult::Carried).then_some(i);
        self.results
            .iter()
            .enumerate()
            .filter_map(carried)
            .collect()
    }

    /// Of states that a body gives back as it got them, each a result and the parameter that it is,
    /// those that the loop does too: the result, and the operand.
    pub(crate) fn kept(&self, states: &[(usize, usize)]) -> Vec<(usize, usize)> {
        let (params, results) = (self.carried_params(), self.carried_results());
        let pairs: Vec<(usize, usize)> = results.into_iter().zip(params).collect();
        let operand = |param: usize| self.operands().position(|(p, _)| p == param);
        let carried = states.iter().filter(|state| pairs.contains(state));
        carried
            .filter_map(|(r, p)| Some((*r, operand(*p)?)))
            .collect()
    }
}
