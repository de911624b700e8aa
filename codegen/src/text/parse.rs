//! Text to kernel IR.

use super::tokens::{Token, TokenKind, tokens};
use crate::kernel::{
    Access, ArrayId, Binding, Buffer, BufferId, Code, Guard, Kernel, KernelId, Loop, Node, Part,
    Reg, Region, RegionId, RegionKind, RowReg, Run, ScalarInst, ScalarKind, Schedule, Slot, SlotId,
    SlotUse, Store,
};
use sinew_ir::{DType, Scalar};
use std::str::FromStr;

/// A text that is no schedule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct ParseError {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong.
    pub what: String,
}

pub(super) type Parsed<T> = Result<T, ParseError>;

/// Loops and parts inside of each other, at most.
const DEEPEST: usize = 64;

/// Reads a schedule. It may break the rules of kernel IR: [`crate::verify::verify`] tells.
///
/// # Errors
/// The first thing that is no kernel IR.
pub fn parse(text: &str) -> Result<Schedule, ParseError> {
    let tokens = tokens(text).map_err(|line| ParseError {
        line,
        what: "a character that means nothing here".into(),
    })?;
    let mut p = Parser { tokens, at: 0 };
    let mut out = Schedule {
        regions: Vec::new(),
        buffers: Vec::new(),
        kernels: Vec::new(),
        nodes: Vec::new(),
    };
    while p.at < p.tokens.len() {
        if p.eat("region") {
            let region = p.region()?;
            out.regions.push(region);
        } else if p.eat("buffer") {
            let buffer = p.buffer(&out)?;
            out.buffers.push(buffer);
        } else if p.eat("kernel") {
            let kernel = p.kernel()?;
            out.kernels.push(kernel);
        } else {
            let node = p.node(&out.kernels, 0)?;
            out.nodes.push(node);
        }
    }
    Ok(out)
}

pub(super) struct Parser {
    tokens: Vec<Token>,
    at: usize,
}

impl Parser {
    pub(super) fn wrong<T>(&self, what: impl Into<String>) -> Parsed<T> {
        let token = self.tokens.get(self.at).or(self.tokens.last());
        Err(ParseError {
            line: token.map_or(1, |t| t.line),
            what: what.into(),
        })
    }

    fn peek(&self) -> Option<&TokenKind> {
        self.tokens.get(self.at).map(|t| &t.kind)
    }

    /// Takes a word if it is next.
    pub(super) fn eat(&mut self, word: &str) -> bool {
        let found = matches!(self.peek(), Some(TokenKind::Word(w)) if w == word);
        self.at += usize::from(found);
        found
    }

    pub(super) fn eat_mark(&mut self, mark: char) -> bool {
        let found = self.peek() == Some(&TokenKind::Mark(mark));
        self.at += usize::from(found);
        found
    }

    pub(super) fn expect(&mut self, word: &str) -> Parsed<()> {
        match self.eat(word) {
            true => Ok(()),
            false => self.wrong(format!("`{word}` is expected")),
        }
    }

    pub(super) fn mark(&mut self, mark: char) -> Parsed<()> {
        match self.eat_mark(mark) {
            true => Ok(()),
            false => self.wrong(format!("`{mark}` is expected")),
        }
    }

    pub(super) fn word(&mut self) -> Parsed<String> {
        match self.peek() {
            Some(TokenKind::Word(word)) => {
                let word = word.clone();
                self.at += 1;
                Ok(word)
            }
            _ => self.wrong("a word is expected"),
        }
    }

    fn quoted(&mut self) -> Parsed<String> {
        match self.peek() {
            Some(TokenKind::Quoted(text)) => {
                let text = text.clone();
                self.at += 1;
                Ok(text)
            }
            _ => self.wrong("a name in quotes is expected"),
        }
    }

    pub(super) fn number<T: FromStr>(&mut self) -> Parsed<T> {
        let word = self.word()?;
        self.read(&word, "a number")
    }

    fn read<T: FromStr>(&mut self, text: &str, what: &str) -> Parsed<T> {
        text.parse().or_else(|_| {
            self.at = self.at.saturating_sub(1);
            self.wrong(format!("{what} is expected, not `{text}`"))
        })
    }

    /// `s3`, `r3`, `b3`, `row3`: the number.
    pub(super) fn id(&mut self, letter: &str) -> Parsed<u32> {
        let word = self.word()?;
        self.id_in(&word, letter)
    }

    pub(super) fn id_in(&mut self, word: &str, letter: &str) -> Parsed<u32> {
        match word.strip_prefix(letter) {
            Some(rest) => self.read(rest, &format!("`{letter}` with a number")),
            None => {
                self.at = self.at.saturating_sub(1);
                self.wrong(format!(
                    "`{letter}` with a number is expected, not `{word}`"
                ))
            }
        }
    }

    pub(super) fn reg(&mut self) -> Parsed<Reg> {
        Ok(Reg(self.id("r")?))
    }

    pub(super) fn list<T>(&mut self, item: impl Fn(&mut Parser) -> Parsed<T>) -> Parsed<Vec<T>> {
        self.mark('[')?;
        let mut out = Vec::new();
        while !self.eat_mark(']') {
            if !out.is_empty() {
                self.mark(',')?;
            }
            out.push(item(self)?);
        }
        Ok(out)
    }

    pub(super) fn numbers<T: FromStr>(&mut self) -> Parsed<Vec<T>> {
        self.list(Parser::number)
    }

    pub(super) fn dtype(&mut self) -> Parsed<DType> {
        let word = self.word()?;
        match DType::parse(&word) {
            Some(dtype) => Ok(dtype),
            None => {
                self.at -= 1;
                self.wrong(format!("an element type is expected, not `{word}`"))
            }
        }
    }

    /// `f32[300]`
    fn elements(&mut self) -> Parsed<(DType, usize)> {
        let dtype = self.dtype()?;
        self.mark('[')?;
        let count = self.number()?;
        self.mark(']')?;
        Ok((dtype, count))
    }

    fn region(&mut self) -> Parsed<Region> {
        let name = self.quoted()?;
        let word = self.word()?;
        let kind = [
            RegionKind::Arena,
            RegionKind::Turn,
            RegionKind::Input,
            RegionKind::State,
            RegionKind::Output,
        ];
        let Some(kind) = kind.into_iter().find(|r| r.name() == word) else {
            return self.wrong(format!("`{word}` is no kind of region"));
        };
        Ok(Region {
            name,
            kind,
            bytes: self.number()?,
        })
    }

    fn buffer(&mut self, schedule: &Schedule) -> Parsed<Buffer> {
        let id = self.id("b")?;
        if id as usize != schedule.buffers.len() {
            return self.wrong("buffers are numbered in order");
        }
        let name = self.quoted()?;
        let (dtype, elements) = self.elements()?;
        self.expect("in")?;
        let region = self.quoted()?;
        let Some(region) = schedule.region(&region) else {
            return self.wrong(format!("there is no region `{region}`"));
        };
        self.expect("at")?;
        Ok(Buffer {
            name,
            region: RegionId(region.0),
            offset: self.number()?,
            dtype,
            elements,
        })
    }

    fn node(&mut self, kernels: &[Kernel], depth: usize) -> Parsed<Node> {
        if depth > DEEPEST {
            return self.wrong(format!("more than {DEEPEST} loops and parts in each other"));
        }
        if self.eat("run") {
            return Ok(Node::Run(self.run(kernels)?));
        }
        if self.eat("loop") {
            return Ok(Node::Loop(Loop {
                trip: self.number()?,
                apart: self.eat("apart"),
                body: self.nodes(kernels, depth)?,
            }));
        }
        if self.eat("part") {
            return Ok(Node::Part(Part {
                name: self.quoted()?,
                nodes: self.nodes(kernels, depth)?,
            }));
        }
        self.wrong("`region`, `buffer`, `kernel`, `run`, `loop` or `part` is expected")
    }

    fn nodes(&mut self, kernels: &[Kernel], depth: usize) -> Parsed<Vec<Node>> {
        self.mark('{')?;
        let mut out = Vec::new();
        while !self.eat_mark('}') {
            out.push(self.node(kernels, depth + 1)?);
        }
        Ok(out)
    }

    fn run(&mut self, kernels: &[Kernel]) -> Parsed<Run> {
        let name = self.word()?;
        let Some(kernel) = kernels.iter().position(|k| k.name == name) else {
            return self.wrong(format!("there is no kernel `{name}`"));
        };
        let mut bindings = Vec::new();
        let mut cuts = Vec::new();
        while !self.eat("gives") {
            if self.eat("cut") {
                cuts = self.numbers()?;
                self.expect("gives")?;
                break;
            }
            if !bindings.is_empty() {
                self.mark(',')?;
            }
            let buffer = BufferId(self.id("b")?);
            self.expect("at")?;
            bindings.push(Binding {
                buffer,
                offset: self.number()?,
                steps: self.numbers()?,
            });
        }
        let mut values = Vec::new();
        while let Some(TokenKind::Quoted(_)) = self.peek() {
            values.push(self.quoted()?);
        }
        Ok(Run {
            kernel: KernelId(u32::try_from(kernel).unwrap_or(u32::MAX)),
            bindings,
            cuts,
            values,
        })
    }

    fn kernel(&mut self) -> Parsed<Kernel> {
        let name = self.word()?;
        self.mark('{')?;
        let mut slots = Vec::new();
        while self.eat("slot") {
            if self.id("s")? as usize != slots.len() {
                return self.wrong("slots are numbered in order");
            }
            let word = self.word()?;
            let usage = [SlotUse::Read, SlotUse::Write, SlotUse::Update];
            let Some(usage) = usage.into_iter().find(|u| u.name() == word) else {
                return self.wrong(format!("`{word}` is no use of a slot"));
            };
            let (dtype, elements) = self.elements()?;
            slots.push(Slot {
                dtype,
                elements,
                usage,
            });
        }
        let class = self.class()?;
        self.mark('}')?;
        Ok(Kernel { name, slots, class })
    }

    pub(super) fn block(&mut self) -> Parsed<Code> {
        self.mark('{')?;
        let code = self.code()?;
        self.mark('}')?;
        Ok(code)
    }

    /// Instructions, then stores.
    pub(super) fn code(&mut self) -> Parsed<Code> {
        let mut code = Code::default();
        loop {
            let next = self.tokens.get(self.at + 1).map(|t| &t.kind);
            if next == Some(&TokenKind::Mark(':')) {
                if self.id("r")? as usize != code.insts.len() {
                    return self.wrong("registers are numbered in order");
                }
                self.mark(':')?;
                let dtype = self.dtype()?;
                self.mark('=')?;
                let kind = self.inst()?;
                code.insts.push(ScalarInst { kind, dtype });
            } else if let Some(adds) = self.eat_store() {
                let value = self.reg()?;
                let access = self.access()?;
                code.stores.push(Store {
                    access,
                    value,
                    adds,
                });
            } else {
                return Ok(code);
            }
        }
    }

    /// Whether a store adds, if the next word is one.
    fn eat_store(&mut self) -> Option<bool> {
        match self.eat("store") {
            true => Some(false),
            false => self.eat("add").then_some(true),
        }
    }

    fn inst(&mut self) -> Parsed<ScalarKind> {
        let word = self.word()?;
        Ok(match word.as_str() {
            "load" => ScalarKind::Load(self.access()?),
            "gather" => {
                let index = self.reg()?;
                self.expect("of")?;
                let extent = self.number()?;
                self.expect("by")?;
                let stride = self.number()?;
                self.expect("from")?;
                ScalarKind::Gather {
                    access: self.access()?,
                    index,
                    extent,
                    stride,
                }
            }
            "const" => ScalarKind::Const(self.number()?),
            "index" => ScalarKind::Index {
                offset: self.number()?,
                strides: self.numbers()?,
            },
            "accumulator" => ScalarKind::Accumulator,
            row if row.starts_with("row") => ScalarKind::Row(RowReg(self.id_in(row, "row")?)),
            array if array.starts_with("array") => {
                ScalarKind::Element(ArrayId(self.id_in(array, "array")?))
            }
            name => {
                let Some(scalar) = Scalar::TABLE.iter().find(|s| s.name() == name) else {
                    return self.wrong(format!("`{name}` is no instruction"));
                };
                let mut operands = Vec::new();
                // A register that is followed by a colon begins the next instruction.
                while let Some(TokenKind::Word(word)) = self.peek()
                    && word.starts_with('r')
                    && !word.starts_with("row")
                    && self.tokens.get(self.at + 1).map(|t| &t.kind) != Some(&TokenKind::Mark(':'))
                {
                    operands.push(self.reg()?);
                }
                ScalarKind::Apply(*scalar, operands)
            }
        })
    }

    pub(super) fn access(&mut self) -> Parsed<Access> {
        let slot = SlotId(self.id("s")?);
        self.expect("at")?;
        let offset = self.number()?;
        let strides = self.numbers()?;
        let mut guards = Vec::new();
        while self.eat("where") {
            let offset = self.number()?;
            self.mark('+')?;
            let strides = self.numbers()?;
            self.mark('<')?;
            guards.push(Guard {
                offset,
                strides,
                extent: self.number()?,
            });
        }
        Ok(Access {
            slot,
            offset,
            strides,
            guards,
        })
    }
}
