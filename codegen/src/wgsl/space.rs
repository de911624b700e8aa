//! Iteration spaces: names of indices, affine expressions, grids of workgroups.

use super::EmitError;
use super::source::Source;
use crate::kernel::{Access, Code, ScalarKind};

/// Where a piece of code runs: for each dim of its space the u32 expression of the index, or
/// nothing where the index is always 0.
#[derive(Clone, Debug, Default)]
pub(super) struct Point(pub Vec<Option<String>>);

/// The product of extents; 2^60 at most, beyond what fits in any memory, so that sums and products of two never wrap.
pub(super) fn volume(extents: &[usize]) -> u128 {
    extents.iter().fold(1, |volume: u128, &extent| {
        volume.saturating_mul(extent as u128).min(1 << 60)
    })
}

/// Writes `offset + sum(strides[d] * index[d])` as a u32 expression that wraps.
pub(super) fn affine(
    source: &Source,
    offset: i64,
    strides: &[i64],
    point: &Point,
) -> Result<String, EmitError> {
    if strides.len() != point.0.len() {
        return Err(source.malformed(format!(
            "{} strides over a space of {} dims",
            strides.len(),
            point.0.len()
        )));
    }
    let mut plus = Vec::new();
    let mut minus = Vec::new();
    for (&stride, index) in strides.iter().zip(&point.0) {
        let Some(index) = index else { continue };
        let size = u32::try_from(stride.unsigned_abs())
            .map_err(|_| source.malformed(format!("a stride of {stride} elements")))?;
        let term = match size {
            0 => continue,
            1 => index.clone(),
            _ => format!("{index} * {size}u"),
        };
        if stride < 0 {
            minus.push(term);
        } else {
            plus.push(term);
        }
    }
    let size = u32::try_from(offset.unsigned_abs())
        .map_err(|_| source.malformed(format!("an offset of {offset} elements")))?;
    if plus.is_empty() && minus.is_empty() {
        // Wrapped here: constant expressions may not wrap.
        let wrapped = if offset < 0 {
            size.wrapping_neg()
        } else {
            size
        };
        return Ok(format!("{wrapped}u"));
    }
    if offset > 0 || (plus.is_empty() && offset == 0) {
        plus.push(format!("{size}u"));
    } else if offset < 0 {
        minus.push(format!("{size}u"));
    }
    if plus.is_empty() {
        plus.push("0u".to_string());
    }
    let mut text = plus.join(" + ");
    for term in minus {
        text.push_str(" - ");
        text.push_str(&term);
    }
    Ok(text)
}

/// Writes the region element that an access means, guards aside: a sum that wraps.
pub(super) fn place(source: &Source, access: &Access, point: &Point) -> Result<String, EmitError> {
    let start = source.start(access)?;
    Ok(
        match affine(source, access.offset, &access.strides, point)?.as_str() {
            "0u" => start,
            inside => format!("{start} + {inside}"),
        },
    )
}

/// Writes the condition under which a guarded access is there; `None`: always.
pub(super) fn guard(
    source: &Source,
    access: &Access,
    point: &Point,
) -> Result<Option<String>, EmitError> {
    let mut tests = Vec::new();
    for guard in &access.guards {
        let extent = u32::try_from(guard.extent)
            .map_err(|_| source.malformed(format!("a guard up to {}", guard.extent)))?;
        let value = affine(source, guard.offset, &guard.strides, point)?;
        // A negative value wraps to one above every extent.
        tests.push(format!("({value}) < {extent}u"));
    }
    Ok((!tests.is_empty()).then(|| tests.join(" && ")))
}

/// Writes the indices of `extents` for the row-major number `flat`, named `{prefix}0`, ...
pub(super) fn split(
    source: &mut Source,
    flat: &str,
    extents: &[usize],
    prefix: &str,
) -> Vec<Option<String>> {
    let mut point = vec![None; extents.len()];
    let live: Vec<usize> = (0..extents.len()).filter(|&d| extents[d] != 1).collect();
    if let [only] = live[..] {
        point[only] = Some(flat.to_string());
        return point;
    }
    for (at, &dim) in live.iter().enumerate() {
        let below: usize = live[at + 1..].iter().map(|&d| extents[d]).product();
        let mut text = if below == 1 {
            flat.to_string()
        } else {
            format!("{flat} / {below}u")
        };
        if at > 0 {
            let extent = extents[dim];
            text = if below == 1 {
                format!("{text} % {extent}u")
            } else {
                format!("({text}) % {extent}u")
            };
        }
        let name = format!("{prefix}{dim}");
        source.line(&format!("let {name} = {text};"));
        point[dim] = Some(name);
    }
    point
}

/// Workgroups in up to two dimensions.
pub(super) struct Grid {
    /// Workgroups in each dimension.
    pub groups: [u32; 3],
    /// The expression of a workgroup's number.
    pub number: String,
    /// Whether there are more workgroups than asked for, to be left idle.
    pub spare: bool,
}

/// A grid of at least `count` workgroups.
pub(super) fn grid(source: &Source, count: u128) -> Result<Grid, EmitError> {
    let narrow = |n: u128| u32::try_from(n).map_err(|_| source.too_large(count));
    if source.in_shares {
        // `entry` makes the number out of what a dispatch folds.
        let most = u128::from(source.limits.groups);
        if count > most * most {
            return Err(source.too_large(count));
        }
        return Ok(Grid {
            groups: [narrow(count)?, 1, 1],
            number: "number_of_group".to_string(),
            spare: false,
        });
    }
    let limit = u128::from(source.limits.groups);
    if count <= limit {
        return Ok(Grid {
            groups: [narrow(count)?, 1, 1],
            number: "group.x".to_string(),
            spare: false,
        });
    }
    let rows = count.div_ceil(limit);
    if rows > limit {
        return Err(source.too_large(count));
    }
    let columns = count.div_ceil(rows);
    Ok(Grid {
        groups: [narrow(columns)?, narrow(rows)?, 1],
        number: format!("(group.y * {columns}u + group.x)"),
        spare: columns * rows > count,
    })
}

/// The first line of an entry point.
pub(super) fn entry(source: &mut Source, invocations: u32) {
    source.line(&format!("@compute @workgroup_size({invocations})"));
    source.open(
        "fn main(@builtin(workgroup_id) group: vec3<u32>, \
         @builtin(local_invocation_index) local: u32) {",
    );
    if source.in_shares {
        let share = source.share();
        source.line(&format!(
            "let group_of_share = group.y * {share}.z + group.x;"
        ));
        source.line(&format!("if (group_of_share >= {share}.y) {{ return; }}"));
        source.line(&format!(
            "let number_of_group = {share}.x + group_of_share;"
        ));
    }
}

/// Every list of strides in some code, in order.
fn strides_of<'a>(code: &'a mut Code, all: &mut Vec<&'a mut Vec<i64>>) {
    let accesses = |access: &'a mut Access, all: &mut Vec<&'a mut Vec<i64>>| {
        all.push(&mut access.strides);
        for guard in &mut access.guards {
            all.push(&mut guard.strides);
        }
    };
    for inst in &mut code.insts {
        match &mut inst.kind {
            ScalarKind::Load(access) | ScalarKind::Gather { access, .. } => accesses(access, all),
            ScalarKind::Index { strides, .. } => all.push(strides),
            ScalarKind::Const(_)
            | ScalarKind::Row(_)
            | ScalarKind::Element(_)
            | ScalarKind::Accumulator
            | ScalarKind::Apply(..) => {}
        }
    }
    for store in &mut code.stores {
        accesses(&mut store.access, all);
    }
}

/// Merges neighbours among the dims `first..last` of a space wherever every access walks them as
/// one, and gives the extents that are left. It saves a division a dim and element.
pub(super) fn merge(extents: &[usize], first: usize, codes: &mut [&mut Code]) -> Vec<usize> {
    let mut all = Vec::new();
    for code in codes {
        strides_of(code, &mut all);
    }
    let mut extents = extents.to_vec();
    if all
        .iter()
        .any(|strides| strides.len() < first + extents.len())
    {
        return extents;
    }
    let mut at = extents.len();
    while at > 0 {
        at -= 1;
        let dim = first + at;
        if extents[at] == 1 {
            extents.remove(at);
            for strides in &mut all {
                strides.remove(dim);
            }
        } else if at + 1 < extents.len() {
            let below = extents[at + 1];
            let one = all.iter().all(|strides| {
                i64::try_from(below)
                    .ok()
                    .and_then(|below| strides[dim + 1].checked_mul(below))
                    == Some(strides[dim])
            });
            if let (true, Some(extent)) = (one, extents[at].checked_mul(below)) {
                extents[at + 1] = extent;
                extents.remove(at);
                for strides in &mut all {
                    strides.remove(dim);
                }
            }
        }
    }
    extents
}
