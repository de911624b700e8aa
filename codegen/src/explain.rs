//! A schedule in words: what each kernel does, what rides on it, what it costs, where values live.
//!
//! [`explain`] has one line a kernel; [`listing`] prints the code too. Both are the same whenever the
//! schedule is. Costs are counts, not times.

use crate::cost::{Cost, cost};
use crate::kernel::{
    Access, Class, Code, Kernel, Operand, Reg, RegionId, ScalarKind, Schedule, Stage,
};
use crate::schedule::touches;
use std::fmt::Write;

fn product(extents: &[usize]) -> String {
    match extents.is_empty() {
        true => "1".into(),
        false => {
            let parts: Vec<String> = extents.iter().map(usize::to_string).collect();
            parts.join("x")
        }
    }
}

/// The space of a kernel in words.
fn space(class: &Class) -> String {
    match class {
        Class::Nest(nest) if nest.inner.is_empty() => format!("map {}", product(&nest.outer)),
        Class::Nest(nest) => format!(
            "rows {} of {}, {} stages",
            product(&nest.outer),
            product(&nest.inner),
            nest.stages.len()
        ),
        Class::Contract(c) => {
            let batch = match c.batch.is_empty() {
                true => String::new(),
                false => format!("batch {} ", product(&c.batch)),
            };
            let [m, n, k] = [&c.m, &c.n, &c.k].map(|dims| product(dims));
            format!("{batch}m {m} n {n} k {k}")
        }
        Class::Scatter(s) => format!(
            "scatter {} x {} into {}",
            product(&s.outer),
            s.updates,
            s.extent
        ),
    }
}

/// The names of the buffers a kernel touches, in order, each once.
fn names(schedule: &Schedule, class: &Class, store: bool) -> String {
    let mut out: Vec<&str> = Vec::new();
    for touch in touches(class) {
        if touch.store == store
            && let Some(buffer) = schedule.buffers.get(touch.access.buffer.0 as usize)
            && !out.contains(&buffer.name.as_str())
        {
            out.push(&buffer.name);
        }
    }
    match out.is_empty() {
        true => "nothing".into(),
        false => out.join(" "),
    }
}

/// One line a kernel with its cost, then the memory plan.
pub fn explain(schedule: &Schedule) -> String {
    let mut out = String::new();
    let mut total = Cost::default();
    for kernel in &schedule.kernels {
        let c = cost(schedule, kernel);
        total.read += c.read;
        total.written += c.written;
        total.flops += c.flops;
        let _ = writeln!(
            out,
            "{}: {}; {} <- {}; {} B read, {} B written, {} flop",
            kernel.name,
            space(&kernel.class),
            names(schedule, &kernel.class, true),
            names(schedule, &kernel.class, false),
            c.read,
            c.written,
            c.flops
        );
    }
    let _ = writeln!(
        out,
        "{} kernels: {} B read, {} B written, {} flop",
        schedule.kernels.len(),
        total.read,
        total.written,
        total.flops
    );
    for (r, region) in schedule.regions.iter().enumerate() {
        let _ = writeln!(out, "region {} {}: {} B", r, region.name, region.bytes);
        let mut inside: Vec<(usize, usize, &str, String)> = Vec::new();
        for (b, buffer) in schedule.buffers.iter().enumerate() {
            if buffer.region == RegionId(u32::try_from(r).unwrap_or(u32::MAX)) {
                let end = buffer.offset + buffer.elements * buffer.dtype.size().unwrap_or(8);
                inside.push((buffer.offset, end, &buffer.name, kernels(schedule, b)));
            }
        }
        inside.sort_unstable();
        for (start, end, name, kernels) in inside {
            let _ = writeln!(out, "  {start}..{end} {name}, kernels {kernels}");
        }
    }
    out
}

/// The first and the last kernel that touch a buffer.
fn kernels(schedule: &Schedule, buffer: usize) -> String {
    let touching = |kernel: &Kernel| {
        let mut all = touches(&kernel.class).into_iter();
        all.any(|t| t.access.buffer.0 as usize == buffer)
    };
    let first = schedule.kernels.iter().position(touching);
    let last = schedule.kernels.iter().rposition(touching);
    match (first, last) {
        (Some(first), Some(last)) => format!("{first} to {last}"),
        _ => "none".into(),
    }
}

/// Every kernel with its code.
pub fn listing(schedule: &Schedule) -> String {
    let mut out = String::new();
    for kernel in &schedule.kernels {
        let _ = writeln!(out, "{}: {}", kernel.name, space(&kernel.class));
        match &kernel.class {
            Class::Nest(nest) => {
                for stage in &nest.stages {
                    match stage {
                        Stage::Row { code, sets } => {
                            let _ = writeln!(out, "  row");
                            list(schedule, code, &mut out);
                            for (row, reg) in sets {
                                let _ = writeln!(out, "    row{} = r{}", row.0, reg.0);
                            }
                        }
                        Stage::Each { code, reduces } => {
                            let _ = writeln!(out, "  each");
                            list(schedule, code, &mut out);
                            for (row, reduction, reg) in reduces {
                                let name = reduction.name();
                                let _ = writeln!(out, "    row{} = {name} r{}", row.0, reg.0);
                            }
                        }
                    }
                }
            }
            Class::Contract(c) => {
                let left = side(schedule, "left", &c.lhs, &mut out);
                let right = side(schedule, "right", &c.rhs, &mut out);
                let _ = writeln!(out, "  {left} . {right}");
                list(schedule, &c.epilogue, &mut out);
            }
            Class::Scatter(s) => {
                list(schedule, &s.code, &mut out);
                let _ = writeln!(
                    out,
                    "    {} + clamp r{} * {} += r{}",
                    place(schedule, &s.target),
                    s.index.0,
                    s.stride,
                    s.update.0
                );
            }
        }
    }
    out
}

/// How an operand is written in its product; the code of one that is computed is listed before.
fn side(schedule: &Schedule, name: &str, operand: &Operand, out: &mut String) -> String {
    if let Some(access) = operand.access() {
        return place(schedule, access);
    }
    let _ = writeln!(out, "  {name}");
    list(schedule, &operand.code, out);
    format!("{name} r{}", operand.value.0)
}

fn place(schedule: &Schedule, access: &Access) -> String {
    let name = schedule
        .buffers
        .get(access.buffer.0 as usize)
        .map_or("?", |b| b.name.as_str());
    let mut out = format!("{name}[{}; {:?}]", access.offset, access.strides);
    for guard in &access.guards {
        let _ = write!(
            out,
            " if {} + {:?} < {}",
            guard.offset, guard.strides, guard.extent
        );
    }
    out
}

fn list(schedule: &Schedule, code: &Code, out: &mut String) {
    for (i, inst) in code.insts.iter().enumerate() {
        let text = match &inst.kind {
            ScalarKind::Load(access) => place(schedule, access),
            ScalarKind::Gather {
                access,
                index,
                extent,
                stride,
            } => format!(
                "{} + clamp(r{}, {extent}) * {stride}",
                place(schedule, access),
                index.0
            ),
            ScalarKind::Const(value) => format!("{value}"),
            ScalarKind::Index { offset, strides } => format!("index {offset} + {strides:?}"),
            ScalarKind::Row(row) => format!("row{}", row.0),
            ScalarKind::Accumulator => "accumulator".into(),
            ScalarKind::Apply(scalar, operands) => {
                let list: Vec<String> = operands.iter().map(|Reg(r)| format!("r{r}")).collect();
                format!("{scalar} {}", list.join(" "))
            }
        };
        let _ = writeln!(out, "    r{i} = {text} : {}", inst.dtype);
    }
    for store in &code.stores {
        let _ = writeln!(
            out,
            "    {} <- r{}",
            place(schedule, &store.access),
            store.value.0
        );
    }
}
