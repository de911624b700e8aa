//! Reads calls, pullbacks of calls, and loops.

use super::error::{DEPTH, ParseProblem};
use super::parse::{Parsed, Parser};
use super::structs::Arguments;
use crate::block::{Block, Inst, Loop, Order, Sliced};
use crate::call::{Alternative, Call, CallMode, LoopMode, LoopResult, Map, PullbackCall, Target};
use crate::dim::Symbol;
use crate::function::Value;
use crate::shape::Type;
use crate::symbol::{Condition, Number, SymbolTerm, SymbolType, Test};

impl<'a> Parser<'a> {
    pub(super) fn call(&mut self, names: &[&'a str]) -> Parsed<()> {
        let target = self.target()?;
        let mut mode = self.mode()?;
        self.sign("(")?;
        let Arguments { operands, structs } = self.arguments(&mut mode)?;
        self.sign("->")?;
        let types = match &mut mode {
            CallMode::Loop(l) => self.loop_results(l)?,
            CallMode::Plain
            | CallMode::Choice(_)
            | CallMode::Checkpoint
            | CallMode::Rule(_)
            | CallMode::ByRule => self.types()?,
        };
        if types.len() != names.len() {
            return Err(ParseProblem::Count {
                announced: names.len(),
                found: types.len(),
            });
        }
        let location = self.location()?;
        let mut results = Vec::with_capacity(names.len());
        for (name, ty) in names.iter().zip(types) {
            results.push(self.define(*name, ty)?);
        }
        if let Some(first) = results.first() {
            self.calls.insert(*first, operands.clone());
        }
        self.builder.insts.push(Inst::Call(Call {
            target,
            mode,
            operands,
            structs,
            results,
            location,
        }));
        Ok(())
    }

    /// `@norm<[S] = [B], W = H, eps: f64 = 0.1, wide: bool = H <= 64>`.
    fn target(&mut self) -> Parsed<Target> {
        self.sign("@")?;
        let name = self.path()?.to_string();
        let mut symbols = Vec::new();
        let mut sequence = None;
        if self.eat("<") {
            loop {
                if self.eat("[") {
                    let symbol = Symbol::new(self.path()?);
                    self.sign("]")?;
                    self.sign("=")?;
                    self.sign("[")?;
                    sequence = Some((symbol, self.shape()?));
                } else {
                    let name = self.path()?;
                    let ty = self.annotation(name)?;
                    self.sign("=")?;
                    let term = match ty {
                        SymbolType::Size => SymbolTerm::Size(self.dim()?),
                        SymbolType::Float => SymbolTerm::Float(self.number()?),
                        SymbolType::Bool => SymbolTerm::Bool(self.condition()?),
                    };
                    symbols.push((Symbol::new(name), term));
                }
                if !self.eat(",") {
                    self.sign(">")?;
                    break;
                }
            }
        }
        let mut maps = Vec::new();
        while self.eat_word("mapped") {
            maps.push(self.map()?);
        }
        Ok(Target {
            name,
            symbols,
            sequence,
            maps,
        })
    }

    /// `B [slice, whole]`, behind `mapped`.
    fn map(&mut self) -> Parsed<Map> {
        let extent = self.dim()?;
        self.sign("[")?;
        let mut mapped = Vec::new();
        while !self.eat("]") {
            let slice = self.eat_word("slice");
            if !slice {
                self.word("whole")?;
            }
            mapped.push(slice);
            if !self.eat(",") {
                self.sign("]")?;
                break;
            }
        }
        Ok(Map { extent, mapped })
    }

    /// What a choice is made by, or a bool is.
    fn condition(&mut self) -> Parsed<Condition> {
        let negated = self.eat("!");
        let start = (self.at, self.last, self.depth);
        if self.depth < DEPTH && self.eat("(") {
            self.depth += 1;
            let all = self.all();
            if let Ok(test) = all {
                self.depth = start.2;
                return Ok(Condition { negated, test });
            }
            // A dim may begin with a parenthesis too.
            (self.at, self.last, self.depth) = start;
        }
        let test = if negated && self.eat("(") {
            let test = self.test()?;
            self.sign(")")?;
            test
        } else {
            self.test()?
        };
        Ok(Condition { negated, test })
    }

    /// `wide and !deep)`: two conditions or more.
    fn all(&mut self) -> Parsed<Test> {
        let mut conditions = vec![self.condition()?];
        self.word("and")?;
        loop {
            conditions.push(self.condition()?);
            if !self.eat_word("and") {
                break;
            }
        }
        self.sign(")")?;
        Ok(Test::All(conditions))
    }

    fn test(&mut self) -> Parsed<Test> {
        if self.eat_word("true") {
            return Ok(Test::Known(true));
        }
        if self.eat_word("false") {
            return Ok(Test::Known(false));
        }
        let start = (self.at, self.last);
        if self.eat_word("training") && self.eat("(") {
            self.sign(")")?;
            return Ok(Test::Training);
        }
        (self.at, self.last) = start;
        if self.ident_follows() {
            let name = self.path()?;
            if let Ok(symbol) = self.symbol(name, Some(SymbolType::Bool)) {
                return Ok(Test::Symbol(symbol));
            }
            (self.at, self.last) = start;
        }
        if let Ok(numbers) = self.comparison() {
            return Ok(numbers);
        }
        (self.at, self.last) = start;
        Ok(Test::Sizes(self.constraint()?))
    }

    /// Two numbers of which one is a symbol's: any others are dims.
    fn comparison(&mut self) -> Parsed<Test> {
        let left = self.number()?;
        let relation = self.relation()?;
        let right = self.number()?;
        match (&left, &right) {
            (Number::Known(_), Number::Known(_)) => Err(self.expected("a symbol")),
            (Number::Symbol(_), _) | (_, Number::Symbol(_)) => Ok(Test::Numbers {
                left,
                relation,
                right,
            }),
        }
    }

    /// What stands between a call's target and its operands.
    fn mode(&mut self) -> Parsed<CallMode> {
        if self.eat_word("loop") {
            return Ok(CallMode::Loop(LoopMode {
                trip: self.dim()?,
                order: self.iteration_order(),
                params: Vec::new(),
                results: Vec::new(),
            }));
        }
        if self.eat_word("checkpoint") {
            return Ok(CallMode::Checkpoint);
        }
        if self.eat_word("by") {
            self.word("rule")?;
            return Ok(CallMode::ByRule);
        }
        if self.eat_word("rule") {
            return Ok(CallMode::Rule(self.target()?));
        }
        if !self.eat_word("choice") {
            return Ok(CallMode::Plain);
        }
        let mut alternatives = Vec::new();
        loop {
            let target = self.target()?;
            self.word("where")?;
            let when = self.condition()?;
            alternatives.push(Alternative { when, target });
            if !self.eat(",") {
                return Ok(CallMode::Choice(alternatives));
            }
        }
    }

    fn iteration_order(&mut self) -> Order {
        match self.eat_word("backward") {
            true => Order::Backward,
            false => Order::Forward,
        }
    }

    pub(super) fn axis_or_first(&mut self) -> Parsed<usize> {
        match self.eat_word("axis") {
            true => self.integer(),
            false => Ok(0),
        }
    }

    fn loop_results(&mut self, mode: &mut LoopMode) -> Parsed<Vec<Type>> {
        let mut types = Vec::new();
        if self.eat("()") {
            return Ok(types);
        }
        loop {
            let carried = self.eat_word("carried");
            if !carried {
                self.word("stacked")?;
            }
            types.push(self.of_type()?);
            mode.results.push(match carried {
                true => LoopResult::Carried,
                false => LoopResult::Stacked {
                    axis: self.axis_or_first()?,
                },
            });
            if !self.eat(",") {
                return Ok(types);
            }
        }
    }

    pub(super) fn pullback_call(&mut self, names: &[&'a str]) -> Parsed<()> {
        let called = self.value_name()?;
        let call = self.known(called)?;
        self.sign("(")?;
        let mut cotangents = Vec::new();
        while !self.eat(")") {
            cotangents.push(if self.eat_word("_") {
                None
            } else {
                Some(self.value()?)
            });
            if !self.eat(",") {
                self.sign(")")?;
                break;
            }
        }
        self.word("of")?;
        self.sign("[")?;
        let mut positions = Vec::new();
        while !self.eat("]") {
            positions.push(self.integer()?);
            if !self.eat(",") {
                self.sign("]")?;
                break;
            }
        }
        if positions.len() != names.len() {
            return Err(ParseProblem::Count {
                announced: names.len(),
                found: positions.len(),
            });
        }
        let operands = self.calls.get(&call);
        let operands = operands.ok_or_else(|| ParseProblem::NoCall(called.to_string()))?;
        let mut types = Vec::with_capacity(names.len());
        for p in &positions {
            let operand = operands.get(*p).ok_or(ParseProblem::Count {
                announced: p.saturating_add(1),
                found: operands.len(),
            })?;
            types.push(self.builder.type_of(*operand).clone());
        }
        let mut results = Vec::with_capacity(names.len());
        for ((name, ty), position) in names.iter().zip(types).zip(positions) {
            results.push((position, self.define(*name, ty)?));
        }
        self.builder.insts.push(Inst::PullbackCall(PullbackCall {
            call,
            cotangents,
            results,
        }));
        Ok(())
    }

    /// A loop with its body.
    pub(super) fn iterate(&mut self, names: &[&'a str]) -> Parsed<()> {
        self.depth += 1;
        if self.depth > DEPTH {
            return Err(ParseProblem::Depth);
        }
        let trip = self.dim()?;
        let order = self.iteration_order();
        let scope = self.order.len();
        let outer = std::mem::take(&mut self.builder.insts);
        let mut made = Loop {
            trip,
            order,
            carried: Vec::new(),
            sliced: Vec::new(),
            body: Block::default(),
            stacked: Vec::new(),
            results: Vec::new(),
            location: None,
        };
        self.loop_params(&mut made)?;
        self.sign("{")?;
        made.body.insts = self.insts()?;
        self.word("return")?;
        self.loop_returns(&mut made)?;
        self.sign("}")?;
        made.location = self.location()?;
        for name in self.order.drain(scope..) {
            self.names.remove(&name);
        }
        self.builder.insts = outer;
        let mut types = Vec::with_capacity(names.len());
        for param in made.carried_params() {
            types.push(self.builder.type_of(*param).clone());
        }
        for (value, axis) in made.body.results[types.len()..].iter().zip(&made.stacked) {
            let slice = self.builder.type_of(*value);
            let stack = slice.stack(*axis, made.trip.clone());
            types.push(stack.ok_or_else(|| no_axis(*axis, slice))?);
        }
        if names.len() != types.len() {
            return Err(ParseProblem::Count {
                announced: names.len(),
                found: types.len(),
            });
        }
        for (name, ty) in names.iter().zip(types) {
            made.results.push(self.define(*name, ty)?);
        }
        self.depth -= 1;
        self.builder.insts.push(Inst::Loop(made));
        Ok(())
    }

    /// `(%t, %h = %h0, %x = slice %xs axis 1)`.
    fn loop_params(&mut self, made: &mut Loop) -> Parsed<()> {
        self.sign("(")?;
        let index = self.value_name()?;
        made.body
            .params
            .push(self.define(index, Loop::index_type())?);
        while self.eat(",") {
            let name = self.value_name()?;
            self.sign("=")?;
            let sliced = self.eat_word("slice");
            if !sliced && !made.sliced.is_empty() {
                return Err(self.expected("`slice`: what is carried comes first"));
            }
            let value = self.value()?;
            let whole = self.builder.type_of(value).clone();
            let ty = if sliced {
                let axis = self.axis_or_first()?;
                made.sliced.push(Sliced { value, axis });
                whole.slice(axis).ok_or_else(|| no_axis(axis, &whole))?
            } else {
                made.carried.push(value);
                whole
            };
            made.body.params.push(self.define(name, ty)?);
        }
        self.sign(")")
    }

    /// `%9, stack %10, stack %11 axis 1`: what is handed on, then what is stacked.
    fn loop_returns(&mut self, made: &mut Loop) -> Parsed<()> {
        let mut more = self.peek() != Some(b'}');
        while more {
            let stacked = self.eat_word("stack");
            if !stacked && !made.stacked.is_empty() {
                return Err(self.expected("`stack`: what is handed on comes first"));
            }
            let value: Value = self.value()?;
            made.body.results.push(value);
            if stacked {
                made.stacked.push(self.axis_or_first()?);
            }
            more = self.eat(",");
        }
        let handed = made.body.results.len() - made.stacked.len();
        match handed == made.carried.len() {
            true => Ok(()),
            false => Err(ParseProblem::Count {
                announced: made.carried.len(),
                found: handed,
            }),
        }
    }
}

fn no_axis(axis: usize, ty: &Type) -> ParseProblem {
    ParseProblem::Axis {
        axis: axis.to_string(),
        shape: ty.shape.clone(),
    }
}
