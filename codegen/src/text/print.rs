//! Kernel IR to text.

use super::classes::print_class;
use crate::kernel::{Access, Code, Kernel, Node, Reg, Run, ScalarInst, ScalarKind, Schedule};
use std::fmt::{self, Display, Formatter, Write};

/// A name in quotes.
struct Quoted<'a>(&'a str);

impl Display for Quoted<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_char('"')?;
        for c in self.0.chars() {
            match c {
                '"' | '\\' => write!(f, "\\{c}")?,
                '\n' => f.write_str("\\n")?,
                c => f.write_char(c)?,
            }
        }
        f.write_char('"')
    }
}

/// `[1, 2]`
pub(super) struct List<'a, T>(pub(super) &'a [T]);

impl<T: Display> Display for List<'_, T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_char('[')?;
        for (i, item) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str(", ")?;
            }
            write!(f, "{item}")?;
        }
        f.write_char(']')
    }
}

impl Display for Schedule {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for region in &self.regions {
            let (name, kind) = (Quoted(&region.name), region.kind.name());
            writeln!(f, "region {name} {kind} {}", region.bytes)?;
        }
        for (i, buffer) in self.buffers.iter().enumerate() {
            let region = self.regions.get(buffer.region.0 as usize);
            writeln!(
                f,
                "buffer b{i} {} {}[{}] in {} at {}",
                Quoted(&buffer.name),
                buffer.dtype,
                buffer.elements,
                Quoted(region.map_or("", |r| &r.name)),
                buffer.offset
            )?;
        }
        for kernel in &self.kernels {
            write!(f, "{kernel}")?;
        }
        nodes(self, &self.nodes, 0, f)
    }
}

fn nodes(schedule: &Schedule, list: &[Node], depth: usize, f: &mut Formatter<'_>) -> fmt::Result {
    let margin = "  ".repeat(depth);
    for node in list {
        match node {
            Node::Run(run) => writeln!(f, "{margin}{}", RunText(schedule, run))?,
            Node::Loop(l) => {
                let apart = if l.apart { " apart" } else { "" };
                writeln!(f, "{margin}loop {}{apart} {{", l.trip)?;
                nodes(schedule, &l.body, depth + 1, f)?;
                writeln!(f, "{margin}}}")?;
            }
            Node::Part(part) => {
                writeln!(f, "{margin}part {} {{", Quoted(&part.name))?;
                nodes(schedule, &part.nodes, depth + 1, f)?;
                writeln!(f, "{margin}}}")?;
            }
        }
    }
    Ok(())
}

struct RunText<'a>(&'a Schedule, &'a Run);

impl Display for RunText<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let RunText(schedule, run) = self;
        let name = schedule.kernel(run).map_or("", |k| k.name.as_str());
        write!(f, "run {name}")?;
        for (i, b) in run.bindings.iter().enumerate() {
            let comma = if i > 0 { "," } else { "" };
            write!(
                f,
                "{comma} b{} at {} {}",
                b.buffer.0,
                b.offset,
                List(&b.steps)
            )?;
        }
        if !run.cuts.is_empty() {
            write!(f, " cut {}", List(&run.cuts))?;
        }
        f.write_str(" gives")?;
        for value in &run.values {
            write!(f, " {}", Quoted(value))?;
        }
        Ok(())
    }
}

impl Display for Kernel {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "kernel {} {{", self.name)?;
        for (i, slot) in self.slots.iter().enumerate() {
            writeln!(
                f,
                "  slot s{i} {} {}[{}]",
                slot.usage.name(),
                slot.dtype,
                slot.elements
            )?;
        }
        print_class(&self.class, f)?;
        writeln!(f, "}}")
    }
}

pub(super) fn print_code(code: &Code, f: &mut Formatter<'_>) -> fmt::Result {
    for (i, inst) in code.insts.iter().enumerate() {
        writeln!(f, "    r{i}: {} = {}", inst.dtype, InstText(inst))?;
    }
    for store in &code.stores {
        writeln!(
            f,
            "    {} r{} {}",
            if store.adds { "add" } else { "store" },
            store.value.0,
            AccessText(&store.access)
        )?;
    }
    Ok(())
}

pub(super) struct AccessText<'a>(pub(super) &'a Access);

impl Display for AccessText<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let a = self.0;
        write!(f, "s{} at {} {}", a.slot.0, a.offset, List(&a.strides))?;
        for g in &a.guards {
            write!(
                f,
                " where {} + {} < {}",
                g.offset,
                List(&g.strides),
                g.extent
            )?;
        }
        Ok(())
    }
}

struct InstText<'a>(&'a ScalarInst);

impl Display for InstText<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.0.kind {
            ScalarKind::Load(access) => write!(f, "load {}", AccessText(access)),
            ScalarKind::Gather {
                access,
                index,
                extent,
                stride,
            } => write!(
                f,
                "gather r{} of {extent} by {stride} from {}",
                index.0,
                AccessText(access)
            ),
            ScalarKind::Const(value) => write!(f, "const {value:?}"),
            ScalarKind::Index { offset, strides } => write!(f, "index {offset} {}", List(strides)),
            ScalarKind::Row(row) => write!(f, "row{}", row.0),
            ScalarKind::Element(array) => write!(f, "array{}", array.0),
            ScalarKind::Accumulator => f.write_str("accumulator"),
            ScalarKind::Apply(scalar, operands) => {
                f.write_str(scalar.name())?;
                for Reg(r) in operands {
                    write!(f, " r{r}")?;
                }
                Ok(())
            }
        }
    }
}
