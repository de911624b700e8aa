//! Reductions: combining elements, and parts of a row that invocations share.

use sinew_ir::{DType, Reduction};

use super::EmitError;
use super::scalar::{apply, constant};
use super::source::Source;

/// How a workgroup covers rows.
pub(super) struct WorkgroupShape {
    /// Rows of a workgroup.
    pub columns: u32,
    /// Invocations that share a row; a power of two.
    pub slices: u32,
}

/// The name of the workgroup array for parts of a type, and its element type.
fn scratch(dtype: DType) -> (&'static str, &'static str) {
    match dtype {
        DType::F32 | DType::F64 | DType::Float => ("parts_f32", "f32"),
        DType::I32 => ("parts_i32", "i32"),
        DType::U32 | DType::F16 | DType::Bf16 => ("parts_u32", "u32"),
        // `bool` is allowed in workgroup memory, but drivers have had trouble with it.
        DType::Bool => ("parts_u32", "u32"),
    }
}

/// Declares the arrays in which [`tree`] combines parts of these types.
pub(super) fn declare_parts(
    source: &mut Source,
    workgroup: &WorkgroupShape,
    dtypes: &[DType],
    places: bool,
) -> Result<(), EmitError> {
    let invocations = workgroup.columns * workgroup.slices;
    let mut arrays: Vec<_> = dtypes.iter().map(|dtype| scratch(*dtype)).collect();
    if places {
        arrays.push(("places", "u32"));
    }
    arrays.sort_unstable();
    arrays.dedup();
    let bytes = arrays.len() * invocations as usize * 4;
    if bytes > source.limits.workgroup_bytes {
        return Err(source.malformed(format!("reductions that need {bytes} bytes of scratch")));
    }
    for (name, element) in arrays {
        source.line(&format!(
            "var<workgroup> {name}: array<{element}, {invocations}>;"
        ));
    }
    Ok(())
}

/// The value of a reduction over nothing.
pub(super) fn identity(
    source: &mut Source,
    reduction: Reduction,
    dtype: DType,
) -> Result<String, EmitError> {
    let start = match reduction.is_place() {
        false => reduction.identity(dtype),
        // The greatest so far.
        true => Reduction::Max.identity(dtype),
    };
    constant(source, dtype, start)
}

/// Writes the statement that takes `other` into `part`, and for an argmax its place. In a tree the
/// other part may hold earlier elements, which win ties.
pub(super) fn combine(
    source: &mut Source,
    reduction: Reduction,
    dtype: DType,
    (part, place): &(String, String),
    (other, other_place): &(String, String),
    in_tree: bool,
) -> Result<(), EmitError> {
    match reduction.combine() {
        Some(scalar) => {
            let names = [part.clone(), other.clone()];
            let text = apply(source, scalar, dtype, &[dtype; 2], &names)?;
            source.line(&format!("{part} = {text};"));
        }
        None => {
            let before = match dtype {
                DType::F32 => format!("{}({other}, {part})", source.need("precedes_f32")),
                DType::I32 | DType::U32 => format!("{other} > {part}"),
                DType::F64 => return Err(source.f64()),
                DType::F16 | DType::Bf16 | DType::Bool | DType::Float => {
                    return Err(source.malformed(format!("an argmax of {dtype}")));
                }
            };
            let after = match dtype {
                DType::F32 => format!("{}({part}, {other})", source.need("precedes_f32")),
                DType::I32
                | DType::U32
                | DType::F64
                | DType::F16
                | DType::Bf16
                | DType::Bool
                | DType::Float => {
                    format!("{part} > {other}")
                }
            };
            let condition = if in_tree {
                format!("{before} || (!({after}) && {other_place} < {place})")
            } else {
                before
            };
            source.open(&format!("if ({condition}) {{"));
            source.line(&format!("{part} = {other};"));
            source.line(&format!("{place} = {other_place};"));
            source.close();
        }
    }
    Ok(())
}

/// Writes the tree over the slices of each column; every slice then holds the column's result.
pub(super) fn tree(
    source: &mut Source,
    workgroup: &WorkgroupShape,
    reduction: Reduction,
    dtype: DType,
    own: &(String, String),
) -> Result<(), EmitError> {
    let (part, place) = own;
    let (array, _) = scratch(dtype);
    let (pack, unpack) = match dtype {
        DType::Bool => (format!("select(0u, 1u, {part})"), " != 0u"),
        DType::F32
        | DType::F64
        | DType::F16
        | DType::Bf16
        | DType::Float
        | DType::I32
        | DType::U32 => (part.to_string(), ""),
    };
    let places = reduction == Reduction::ArgMax;
    let publish = |source: &mut Source| {
        source.line(&format!("{array}[local] = {pack};"));
        if places {
            source.line(&format!("places[local] = {place};"));
        }
    };
    publish(source);
    let other = ("other".to_string(), "other_place".to_string());
    let mut width = workgroup.slices / 2;
    while width > 0 {
        let away = width * workgroup.columns;
        source.line("workgroupBarrier();");
        source.open(&format!("if (slice < {width}u) {{"));
        source.line(&format!("let other = {array}[local + {away}u]{unpack};"));
        if places {
            source.line(&format!("let other_place = places[local + {away}u];"));
        }
        combine(source, reduction, dtype, own, &other, true)?;
        publish(source);
        source.close();
        width /= 2;
    }
    source.line("workgroupBarrier();");
    let column = if workgroup.columns == 1 {
        "0u"
    } else {
        "column"
    };
    source.line(&format!("{part} = {array}[{column}]{unpack};"));
    if places {
        source.line(&format!("{place} = places[{column}];"));
    }
    // The arrays may be used again.
    source.line("workgroupBarrier();");
    Ok(())
}
