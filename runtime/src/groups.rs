//! The groups that a trainer's parameters are in, and the update of each as a program.
//!
//! What a rule does to each element alone it does to all parameters of a group that lie side by side at once.
//! Another rule is applied to each parameter by itself; repeated children have one each, over which it is mapped.

use crate::device::Precision;
use crate::error::{Error, Result};
use crate::layout::{Layout, Leaf, Section, without_numbers};
use crate::optimizer::{Clip, Group, Optimizer, Rule};
use crate::rule::{Limit, Moment};
use crate::trainees::{Trainees, of_pattern};
use sinew_ir::{Binding, DType, Function, ParamKind, Symbol, SymbolValue, Type, Unit};
use std::any::TypeId;
use std::collections::HashMap;

/// What the moving average of parameters is called beside the rules' states.
pub(crate) const AVERAGE: &str = "moving average";

/// The most that a rule keeps of a parameter.
pub(crate) const MAX_STATES: usize = 4;

/// A pattern of paths, and what its parameters have otherwise.
pub(crate) type Named = (String, Group);

/// How parameters are to be updated, as a trainer is told.
#[derive(Debug, Clone)]
pub(crate) struct Updating {
    /// The rule of all that no group has.
    pub optimizer: Optimizer,
    /// What others have otherwise.
    pub groups: Vec<Named>,
    /// Whether vectors and scalars have no weight decay, but where their group says one.
    pub decays_matrices_only: bool,
    /// What a moving average keeps of itself in each step, if there is one.
    pub average: Option<f64>,
}

impl Updating {
    /// Refuses numbers that no update can use.
    ///
    /// # Errors
    /// [`Error::Setting`].
    pub fn check(&self, precision: Precision) -> Result<()> {
        self.optimizer.check(precision)?;
        let average = self.average.map(|a| Limit::below_one("moving average", a));
        average.map_or(Ok(()), |limit| limit.check(precision))
    }
}

/// How a trainer updates what it trains.
#[derive(Debug, Clone)]
pub(crate) struct UpdatePlan {
    /// How gradients are clipped.
    pub clip: Clip,
    /// What a moving average of the parameters keeps of itself in each step, if there is one.
    pub average: Option<f64>,
    /// The rules.
    pub groups: Groups,
    /// What they are applied to.
    pub pieces: Vec<Piece>,
}

/// What of an update is compiled into a step: all but the numbers that each step is told.
#[derive(Debug, PartialEq)]
pub(crate) struct UpdateKey {
    clip: Clip,
    average: Option<f64>,
    /// Of each group the function, and what it is specialised to.
    groups: Vec<(TypeId, Vec<(Symbol, SymbolValue)>)>,
}

impl UpdatePlan {
    /// What of it is compiled into a step.
    pub fn key(&self) -> UpdateKey {
        let key = |g: &Grouped| (g.rule.0.owner(), g.update.known.clone());
        UpdateKey {
            clip: self.clip,
            average: self.average,
            groups: self.groups.each.iter().map(key).collect(),
        }
    }

    /// The names of what is kept beside the parameters: the rules' states, then the average.
    pub fn states(&self) -> Vec<String> {
        let mut states = self.groups.states();
        states.extend(self.average.map(|_| AVERAGE.to_string()));
        states
    }

    /// Which of them the average is.
    pub fn average_state(&self) -> Option<usize> {
        self.average.map(|_| self.groups.states().len())
    }

    /// What is kept of a parameter at a path: which state each is, and its name.
    pub fn kept<'p>(&'p self, path: &str) -> impl Iterator<Item = (usize, &'p str)> + use<'p> {
        self.kept_of_group(self.groups.of(path))
    }

    /// As [`UpdatePlan::kept`], of those of a group.
    pub fn kept_of_group(&self, group: usize) -> impl Iterator<Item = (usize, &str)> {
        let group = self.groups.get(group);
        let states = group.map_or(&[][..], |g| &g.update.states);
        let states = states.iter().map(|(_, name)| name.as_str()).enumerate();
        states.chain(self.average_state().map(|i| (i, AVERAGE)))
    }

    /// The numbers that a step is told: `share` is what gradients that were accumulated are multiplied by.
    pub fn told<'p>(
        &'p self,
        numbers: &'p [StepNumber],
        at: Moment,
        share: f64,
    ) -> impl Iterator<Item = f64> + use<'p> {
        numbers.iter().map(move |number| match number {
            StepNumber::Share => share,
            StepNumber::OfRule { group, name } => self.groups.number(*group, name, at),
        })
    }

    /// How many numbers a step is told, at most.
    pub fn numbers(&self) -> usize {
        // What accumulated gradients are multiplied by.
        1 + self.groups.numbers()
    }
}

/// All groups of a trainer: the first is that of the parameters that no pattern matches.
#[derive(Debug, Clone)]
pub(crate) struct Groups {
    each: Vec<Grouped>,
    /// The group of what programs have as parameters, by its path.
    of: HashMap<String, usize>,
}

/// A group's update.
#[derive(Debug, Clone)]
pub(crate) struct Grouped {
    rule: Rule,
    /// What its learning rate is of the trainer's.
    scale: f64,
    pub update: RuleFunction,
}

impl Groups {
    /// The groups of `leaves` that these patterns tell; of several that match, the last.
    ///
    /// # Errors
    /// [`Error::NoMatch`] for a pattern that matches nothing, [`Error::GroupedInPart`] for one that matches some of
    /// what is one parameter; settings and functions that no update can be made of.
    pub fn new(
        by: &Updating,
        leaves: &[String],
        rank: &dyn Fn(&str) -> usize,
        precision: Precision,
    ) -> Result<Groups> {
        let (named, rule) = (&by.groups, &by.optimizer.rule);
        let plain = Group::new();
        let told = [&plain]
            .into_iter()
            .chain(named.iter().map(|(_, group)| group));
        let told: Vec<&Group> = told.collect();
        let each = told
            .iter()
            .map(|group| Grouped::new(group, rule, precision));
        let mut each = each.collect::<Result<Vec<_>>>()?;
        // Of each group that says no weight decay, the one of its vectors and scalars.
        let mut without_decay: Vec<usize> = (0..each.len()).collect();
        for (i, group) in told.iter().enumerate() {
            let mut own = group.rule.clone().unwrap_or_else(|| rule.clone());
            let is_told = i > 0 && (group.weight_decay.is_some() || own.0.weight_decay().is_none());
            if by.decays_matrices_only && !is_told {
                without_decay[i] = each.len();
                let group = (*group).clone().weight_decay(0.0);
                each.push(Grouped::new(&group, rule, precision)?);
            }
        }
        let mut of: HashMap<String, (usize, &String)> = HashMap::new();
        let matched: Result<Vec<Vec<bool>>> = named
            .iter()
            .map(|(pattern, _)| of_pattern(pattern, leaves))
            .collect();
        let matched = matched?;
        for (i, path) in leaves.iter().enumerate() {
            let mut group = matched.iter().rposition(|m| m[i]).map_or(0, |g| g + 1);
            if rank(path) < 2 {
                group = without_decay[group];
            }
            let (first, other) = of.entry(without_numbers(path)).or_insert((group, path));
            if *first != group {
                return Err(Error::GroupedInPart {
                    first: (*other).clone(),
                    second: path.clone(),
                });
            }
        }
        Ok(Groups {
            each,
            of: of.into_iter().map(|(path, (g, _))| (path, g)).collect(),
        })
    }

    /// The group of what programs have at a path.
    pub fn of(&self, path: &str) -> usize {
        self.of.get(path).copied().unwrap_or(0)
    }

    /// One of them.
    pub fn get(&self, group: usize) -> Option<&Grouped> {
        self.each.get(group)
    }

    /// A number of a step that a group's rule knows.
    fn number(&self, group: usize, name: &str, at: Moment) -> f64 {
        let known = self.each.get(group).and_then(|group| {
            let rate = at.rate * group.scale;
            group.rule.0.number(name, Moment { rate, ..at })
        });
        // That it is known was seen when the group was made.
        known.unwrap_or(f64::NAN)
    }

    /// What a step updates at once.
    ///
    /// # Errors
    /// A parameter of a rank that its group's rule is not for.
    pub fn pieces(&self, trainees: &Trainees, layout: &Layout) -> Result<Vec<Piece>> {
        let float_bytes = crate::layout::element_size(layout.float);
        let mut out = Vec::new();
        for run in &trainees.runs {
            let Some(group) = self.get(run.group) else {
                continue;
            };
            if group.update.pointwise {
                out.push(Piece {
                    group: run.group,
                    shape: vec![run.bytes / float_bytes],
                    children: 0,
                    section: run.section,
                    offset: run.offset,
                    start: run.start,
                });
                continue;
            }
            let within = |s: &&Leaf| {
                s.section == run.section
                    && run.offset <= s.offset
                    && s.offset + s.bytes <= run.offset + run.bytes
            };
            for stack in layout.stacks.iter().filter(within) {
                let one = layout
                    .leaves
                    .iter()
                    .find(|l| without_numbers(&l.path) == stack.path);
                let rank = one.map_or(stack.shape.len(), |l| l.shape.len());
                let children = stack.shape.len().saturating_sub(rank);
                group
                    .update
                    .check_rank(&stack.path, &stack.shape[children..])?;
                let piece = Piece {
                    group: run.group,
                    shape: stack.shape.clone(),
                    children,
                    section: stack.section,
                    offset: stack.offset,
                    start: run.start + (stack.offset - run.offset),
                };
                // What has no program is told now, and not by the first step.
                group.update.program(&piece)?;
                out.push(piece);
            }
        }
        Ok(out)
    }

    /// How many numbers the rules know.
    fn numbers(&self) -> usize {
        self.each.iter().map(|g| g.update.numbers.len()).sum()
    }

    /// The names of the rules' states: of each number the first group's that has so many.
    fn states(&self) -> Vec<String> {
        let most = self.each.iter().map(|g| g.update.states.len()).max();
        let name = |i: usize| self.each.iter().find_map(|g| g.update.states.get(i));
        let names = (0..most.unwrap_or(0)).filter_map(name);
        names.map(|(_, name)| name.clone()).collect()
    }
}

impl Grouped {
    fn new(group: &Group, rule: &Rule, precision: Precision) -> Result<Grouped> {
        let mut rule = group.rule.clone().unwrap_or_else(|| rule.clone());
        if let Some(decay) = group.weight_decay {
            match rule.0.weight_decay() {
                Some(own) => *own = decay,
                None => {
                    return Err(Error::NoWeightDecay {
                        rule: rule.0.unit()?.path.to_string(),
                    });
                }
            }
        }
        crate::optimizer::check_scale(group.scale, precision)?;
        rule.check(precision)?;
        let update = RuleFunction::new(&rule, precision.dtype())?;
        Ok(Grouped {
            rule,
            scale: group.scale,
            update,
        })
    }
}

/// Parameters that an update takes as one.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Piece {
    /// Which group they are of.
    pub group: usize,
    /// The extents of what the update takes: all elements of a run, or those of a stack of leaves.
    pub shape: Vec<usize>,
    /// How many of these, in front, count children.
    pub children: usize,
    /// Where in the model's memory they lie.
    pub section: Section,
    /// Their first byte there.
    pub offset: usize,
    /// Their first byte among the gradients.
    pub start: usize,
}

/// A number that a step is told.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum StepNumber {
    /// What accumulated gradients are multiplied by.
    Share,
    /// One that a rule knows.
    OfRule {
        /// Whose rule that is.
        group: usize,
        /// What it calls it.
        name: String,
    },
}

/// The function of a rule, and what each of its parameters is: a parameter, its gradient, states, numbers.
#[derive(Debug, Clone)]
pub(crate) struct RuleFunction {
    unit: &'static Unit,
    function: Function,
    known: Vec<(Symbol, SymbolValue)>,
    float: DType,
    /// How many states it declares.
    declared: usize,
    /// Those that are kept: which of the declared ones each is, and its name.
    pub states: Vec<(usize, String)>,
    /// The names of its numbers.
    pub numbers: Vec<String>,
    /// Whether it treats each element alone.
    pointwise: bool,
}

/// A length at which a rule for any shape is looked at.
const LENGTH: usize = 7;

impl RuleFunction {
    fn new(rule: &Rule, float: DType) -> Result<RuleFunction> {
        let unit = rule.0.unit()?;
        let function = unit.function().map_err(|source| Error::Text {
            function: unit.path.into(),
            source: Box::new(source),
        })?;
        let known = rule.0.known(&function)?;
        let mut made = RuleFunction {
            unit,
            declared: function.returned().len().saturating_sub(1),
            function,
            known,
            float,
            states: Vec::new(),
            numbers: Vec::new(),
            pointwise: false,
        };
        made.check_parameters(rule)?;
        let function = &made.function;
        let name = |i: usize| function.params[i].name.clone();
        let numbers = 2 + made.declared..function.params.len();
        let names: Vec<String> = numbers.map(name).collect();
        let all = (0..made.declared).map(|i| (i, name(2 + i)));
        let mut states: Vec<(usize, String)> = all.collect();
        // A rule for any shape alone has no sizes to choose by: what it does to one, it does to all.
        let shape = &function.values[0].shape;
        if shape.sequence.is_some() && shape.dims.is_empty() {
            let program = made.link(&[LENGTH])?;
            states.retain(|(i, _)| !passes_through(&program, *i));
            made.pointwise = program.is_pointwise();
        }
        if states.len() > MAX_STATES {
            return Err(made.refused(format!(
                "it keeps {} states of a parameter, and a rule keeps at most {MAX_STATES}",
                states.len()
            )));
        }
        made.states = states;
        made.numbers = names;
        Ok(made)
    }

    fn refused(&self, problem: String) -> Error {
        Error::Rule {
            function: self.unit.path.to_string(),
            problem,
        }
    }

    /// Refuses a function whose parameters and results are not those of an update.
    fn check_parameters(&self, rule: &Rule) -> Result<()> {
        let function = &self.function;
        let inputs = function.params.iter().all(|p| p.kind == ParamKind::Input);
        if !inputs {
            return Err(self
                .refused("its rule has parameters or states: it may have settings alone".into()));
        }
        let (found, expected) = (function.params.len(), 2 + self.declared);
        if found < expected || function.returned().is_empty() {
            return Err(self.refused(format!(
                "it takes {found} tensors and gives {}: it takes a parameter, its gradient, the states and then \
                 numbers, and gives the new parameter and the new states",
                function.returned().len()
            )));
        }
        let ty = &function.values[0];
        let name = |i: usize| &function.params[i].name;
        let differs =
            |other: &Type| (other != ty).then(|| format!("`{}` is {}, and", name(0), declared(ty)));
        for (i, other) in function.values[1..expected].iter().enumerate() {
            if let Some(first) = differs(other) {
                let name = name(i + 1);
                return Err(self.refused(format!(
                    "{first} `{name}` is {}: both have one type",
                    declared(other)
                )));
            }
        }
        for (i, result) in function.returned().iter().enumerate() {
            let other = function.type_of(*result);
            if let Some(first) = differs(other) {
                return Err(self.refused(format!(
                    "{first} result {i} is {}: both have one type",
                    declared(other)
                )));
            }
        }
        for i in expected..found {
            let (other, name) = (&function.values[i], name(i));
            if !other.shape.dims.is_empty()
                || other.shape.sequence.is_some()
                || other.dtype != DType::Float
            {
                return Err(self.refused(format!(
                    "`{name}` is {}: behind the parameter, its gradient and {} states stand scalars",
                    declared(other),
                    self.declared
                )));
            }
            let moment = Moment { rate: 0.0, step: 1 };
            if rule.0.number(name, moment).is_none() {
                return Err(self.refused(format!(
                    "it takes a number `{name}`, which the rule's `number` does not know"
                )));
            }
        }
        Ok(())
    }

    /// Refuses a parameter of another rank than the function is for.
    fn check_rank(&self, path: &str, shape: &[usize]) -> Result<()> {
        let ty = &self.function.values[0];
        let rank = ty.shape.dims.len();
        let fits = match ty.shape.sequence {
            Some(_) => shape.len() >= rank,
            None => shape.len() == rank,
        };
        match fits {
            true => Ok(()),
            false => Err(self.refused(format!(
                "it updates parameters that are {}, and `{path}` is {}: another rule is given to it by \
                 `.group(\"{path}\", |g| g.rule(..))`",
                declared(ty),
                crate::error::tuple(shape)
            ))),
        }
    }

    /// The program for parameters of this shape: of parameter, gradient, all declared states, numbers.
    fn link(&self, shape: &[usize]) -> Result<Function> {
        let shaped = (0..2 + self.declared).map(|i| (i, shape.to_vec()));
        let numbers = (2 + self.declared..self.function.params.len()).map(|i| (i, Vec::new()));
        let params: Vec<_> = shaped.chain(numbers).collect();
        let binding = Binding::infer(&self.function, self.float, &self.known, &params)?;
        let binding = binding.with_training(true);
        let program = sinew_ir::link(self.unit, &binding)
            .map_err(|source| Error::link(self.unit.path, source))?;
        match program.params.len() == self.function.params.len() {
            true => Ok(program),
            false => {
                Err(self.refused("it draws random numbers, which an update has none of".into()))
            }
        }
    }

    /// The program for a piece of a group, over its children if there are any.
    ///
    /// # Errors
    /// Shapes that the function is not for.
    pub fn program(&self, piece: &Piece) -> Result<Function> {
        let (children, shape) = piece.shape.split_at(piece.children);
        let mut program = self.link(shape)?;
        let mapped: Vec<bool> = (0..program.params.len())
            .map(|i| i < 2 + self.declared)
            .collect();
        for count in children.iter().rev() {
            program = program
                .mapped(&mapped, *count)
                .map_err(|error| self.refused(error.to_string()))?;
        }
        Ok(program)
    }

    /// How many states the function declares.
    pub fn declared(&self) -> usize {
        self.declared
    }
}

/// A type as it is declared.
fn declared(ty: &Type) -> String {
    let dtype = (ty.dtype != DType::Float).then(|| ty.dtype.to_string());
    let sequence = ty.shape.sequence.as_ref().map(|s| format!("[{s}]"));
    let dims = ty.shape.dims.iter().map(ToString::to_string);
    let parts: Vec<String> = dtype.into_iter().chain(sequence).chain(dims).collect();
    match parts.is_empty() {
        true => "Tensor".to_string(),
        false => format!("Tensor<{}>", parts.join(", ")),
    }
}

/// Whether a program gives a state back as it was, and reads it nowhere.
fn passes_through(program: &Function, state: usize) -> bool {
    let Some(old) = program.body.params.get(2 + state).copied() else {
        return false;
    };
    let mut uses = 0;
    program
        .body
        .each_use(&mut |v| uses += usize::from(v == old));
    uses == 1 && program.returned().get(1 + state) == Some(&old)
}
