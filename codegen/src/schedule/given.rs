//! The buffers of a part's parameters and results, at the places that are given for them.

use super::affine::contiguous;
use super::storage::{OpenBuffer, Site};
use super::{Part, RegionOffset, ScheduleError, overlap};
use crate::kernel::Region;
use sinew_ir::{Function, Value, byte_count};

/// The buffers of parameters and results, checked.
pub(super) fn part_buffers(
    part: &Part<'_>,
    regions: &[Region],
) -> Result<(Vec<OpenBuffer>, Vec<OpenBuffer>), ScheduleError> {
    let program = part.program;
    let count = |what, values, places| match values == places {
        true => Ok(()),
        false => Err(ScheduleError::Places {
            name: program.name.clone(),
            what,
            values,
            places,
        }),
    };
    count("parameters", program.params.len(), part.inputs.len())?;
    count("results", program.body.results.len(), part.outputs.len())?;
    let params = program.params.iter().zip(&part.inputs).enumerate();
    let inputs = params.map(|(p, (param, place))| {
        let value = Value(u32::try_from(p).unwrap_or(u32::MAX));
        given_buffer(program, &param.name, value, *place, regions)
    });
    let inputs: Vec<OpenBuffer> = inputs.collect::<Result<_, _>>()?;
    let mut outputs = Vec::new();
    for (value, place) in program.body.results.iter().zip(&part.outputs) {
        let name = value.to_string();
        let output = given_buffer(program, &name, *value, *place, regions)?;
        let region = regions.get(place.region.0 as usize);
        if region.is_some_and(|r| !r.kind.is_written()) {
            return Err(misplaced(program, &name, "the region is not written"));
        }
        outputs.push(output);
    }
    for second in 0..outputs.len() {
        for first in 0..second {
            if overlap(&outputs[first], &outputs[second]) {
                return Err(ScheduleError::Overlap {
                    name: program.name.clone(),
                    first,
                    second,
                });
            }
        }
    }
    Ok((inputs, outputs))
}

/// The buffer of a parameter or result of a program at the place that is given for it.
fn given_buffer(
    program: &Function,
    name: &str,
    value: Value,
    place: RegionOffset,
    regions: &[Region],
) -> Result<OpenBuffer, ScheduleError> {
    let ty = program
        .values
        .get(value.index())
        .ok_or(ScheduleError::Undefined(value))?;
    let extents = ty
        .shape
        .extents()
        .ok_or_else(|| ScheduleError::NotLinked(format!("{value} has no extents")))?;
    let size = ty
        .dtype
        .size()
        .ok_or_else(|| ScheduleError::NotLinked(format!("{value} has no element type")))?;
    let bytes = byte_count(&extents, size);
    let bytes = bytes.ok_or_else(|| ScheduleError::too_large(value, ty))?;
    let refuse = |problem| Err(misplaced(program, name, problem));
    let Some(region) = regions.get(place.region.0 as usize) else {
        return refuse("no such region");
    };
    if region.kind.is_planned() {
        return refuse("it is in the arena");
    }
    if !place.offset.is_multiple_of(size) {
        return refuse("it is not aligned to its elements");
    }
    let end = bytes.checked_add(place.offset);
    if end.is_none_or(|e| e > region.bytes) {
        return refuse("it leaves the region");
    }
    Ok(OpenBuffer {
        name: name.to_owned(),
        site: Some(Site::Given(place.region, place.offset)),
        start: 0,
        steps: Vec::new(),
        strides: contiguous(&extents),
        dtype: ty.dtype,
        elements: bytes / size,
    })
}

fn misplaced(program: &Function, what: &str, problem: &'static str) -> ScheduleError {
    ScheduleError::RegionOffset {
        name: program.name.clone(),
        what: what.to_owned(),
        problem,
    }
}
