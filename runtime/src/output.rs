//! Results: from the markers of a function's result types to host arrays.
//!
//! `Out<Float, Rank<2>>` comes back as `Array2<f32>` from `run` and as `Array2<f64>` from `run_f64`;
//! a scalar as a plain number; a type with a sequence as an array of dynamic rank.

use crate::arg::{AnyRank, Element, Float, Rank};
use crate::backend::room;
use crate::error::{Error, Result};
use half::{bf16, f16};
use ndarray::{Array, ArrayD, Dim, Ix, IxDyn};
use sinew_ir::DType;
use std::marker::PhantomData;

/// A declared result: element type and rank.
#[derive(Debug)]
pub struct Out<E, R>(PhantomData<(E, R)>);

/// One result in memory: row-major elements of a bound program.
#[derive(Debug, Clone, Copy)]
pub struct ResultView<'a> {
    /// Element type in memory; `Bool` is a 32-bit 0 or 1.
    pub(crate) dtype: DType,
    /// Extents.
    pub(crate) extents: &'a [usize],
    /// The elements' bytes.
    pub(crate) bytes: &'a [u8],
}

/// A number read from memory of any element type.
pub trait Number: Element {
    /// From the nearest f64.
    fn from_f64(value: f64) -> Self;
}

impl Number for f32 {
    fn from_f64(value: f64) -> Self {
        value as f32
    }
}
impl Number for f64 {
    fn from_f64(value: f64) -> Self {
        value
    }
}
impl Number for f16 {
    fn from_f64(value: f64) -> Self {
        f16::from_f64(value)
    }
}
impl Number for bf16 {
    fn from_f64(value: f64) -> Self {
        bf16::from_f64(value)
    }
}
impl Number for i32 {
    fn from_f64(value: f64) -> Self {
        value as i32
    }
}
impl Number for u32 {
    fn from_f64(value: f64) -> Self {
        value as u32
    }
}
impl Number for bool {
    fn from_f64(value: f64) -> Self {
        value != 0.0
    }
}

impl ResultView<'_> {
    /// No elements; fills places of results that are not there.
    pub(crate) const NONE: ResultView<'static> = ResultView {
        dtype: DType::F32,
        extents: &[0],
        bytes: &[],
    };

    /// Whether no element is NaN or infinite.
    pub(crate) fn is_finite(&self) -> bool {
        let narrow = || {
            self.bytes
                .as_chunks()
                .0
                .iter()
                .all(|w| f32::from_ne_bytes(*w).is_finite())
        };
        let wide = || {
            self.bytes
                .as_chunks()
                .0
                .iter()
                .all(|w| f64::from_ne_bytes(*w).is_finite())
        };
        let half = || {
            let (words, _) = self.bytes.as_chunks();
            let number = |w: &[u8; 2]| self.dtype.of_half_bits(u16::from_ne_bytes(*w));
            words.iter().all(|w| number(w).is_finite())
        };
        match self.dtype {
            DType::Float | DType::F32 => narrow(),
            DType::F64 => wide(),
            DType::F16 | DType::Bf16 => half(),
            DType::I32 | DType::U32 | DType::Bool => true,
        }
    }

    /// The error of a result that is declared with another rank.
    fn of_another_rank(&self, declared: usize) -> Error {
        Error::ResultRank {
            declared,
            shape: self.extents.into(),
        }
    }

    /// The elements as `T`; every element type fits f64, so this is exact where `T` can hold it.
    ///
    /// # Errors
    /// Too little memory.
    pub(crate) fn numbers<T: Number>(&self) -> Result<Vec<T>> {
        fn words<const N: usize, T>(bytes: &[u8], read: impl Fn([u8; N]) -> T) -> Result<Vec<T>> {
            let (words, _) = bytes.as_chunks::<N>();
            let mut out = room("a result", words.len())?;
            out.extend(words.iter().map(|w| read(*w)));
            Ok(out)
        }
        match self.dtype {
            DType::Float | DType::F32 => words(self.bytes, |w| {
                T::from_f64(f64::from(f32::from_ne_bytes(w)))
            }),
            DType::F64 => words(self.bytes, |w| T::from_f64(f64::from_ne_bytes(w))),
            DType::F16 | DType::Bf16 => words(self.bytes, |w| {
                T::from_f64(self.dtype.of_half_bits(u16::from_ne_bytes(w)))
            }),
            DType::I32 => words(self.bytes, |w| {
                T::from_f64(f64::from(i32::from_ne_bytes(w)))
            }),
            DType::U32 | DType::Bool => words(self.bytes, |w| {
                T::from_f64(f64::from(u32::from_ne_bytes(w)))
            }),
        }
    }
}

/// What a declared element type is on the host.
pub trait OutElement {
    /// From `run`.
    type Narrow: Number;
    /// From `run_f64`.
    type Wide: Number;
}

macro_rules! out_element {
    ($($marker:ty, $narrow:ty, $wide:ty;)*) => {$(
        impl OutElement for $marker {
            type Narrow = $narrow;
            type Wide = $wide;
        }
    )*};
}
out_element! {
    Float, f32, f64;
    f32, f32, f32;
    f64, f64, f64;
    f16, f16, f16;
    bf16, bf16, bf16;
    i32, i32, i32;
    u32, u32, u32;
    bool, bool, bool;
}

/// What a declared rank is on the host.
pub trait OutRank {
    /// An array of that rank, or a number.
    type Tensor<T: Number>;
    /// Made of a result in memory.
    ///
    /// # Errors
    /// Too little memory, a result of another rank.
    fn tensor<T: Number>(view: ResultView<'_>) -> Result<Self::Tensor<T>>;
}

impl OutRank for Rank<0> {
    type Tensor<T: Number> = T;
    fn tensor<T: Number>(view: ResultView<'_>) -> Result<T> {
        match view.numbers()?[..] {
            [number] if view.extents.is_empty() => Ok(number),
            _ => Err(view.of_another_rank(0)),
        }
    }
}

macro_rules! out_rank {
    ($($n:literal)*) => {$(
        impl OutRank for Rank<$n> {
            type Tensor<T: Number> = Array<T, Dim<[Ix; $n]>>;
            fn tensor<T: Number>(view: ResultView<'_>) -> Result<Self::Tensor<T>> {
                let extents = <[usize; $n]>::try_from(view.extents);
                let extents = extents.map_err(|_| view.of_another_rank($n))?;
                Array::from_shape_vec(extents, view.numbers()?)
                    .map_err(|_| view.of_another_rank($n))
            }
        }
    )*};
}
out_rank!(1 2 3 4 5 6);

macro_rules! out_dynamic {
    ($($rank:ty)*) => {$(
        impl OutRank for $rank {
            type Tensor<T: Number> = ArrayD<T>;
            fn tensor<T: Number>(view: ResultView<'_>) -> Result<ArrayD<T>> {
                ArrayD::from_shape_vec(IxDyn(view.extents), view.numbers()?)
                    .map_err(|_| view.of_another_rank(view.extents.len()))
            }
        }
    )*};
}
out_dynamic!(AnyRank Rank<7> Rank<8>);

/// A function's results: one [`Out`], a tuple of them, or nothing.
pub trait Outputs {
    /// What `run` returns: arrays of f32 (and of i32, u32, bool where declared).
    type Narrow;
    /// What `run_f64` returns.
    type Wide;
    /// What [`Outputs::Narrow`] would be without the first result, which is the loss of a step.
    type Rest;
    /// How many results there are.
    const COUNT: usize;
    /// Made of the results in memory, of which there are [`Outputs::COUNT`].
    ///
    /// # Errors
    /// Too little memory, results of other ranks.
    fn narrow(results: &[ResultView<'_>]) -> Result<Self::Narrow>;
    /// As [`Outputs::narrow`], in f64.
    ///
    /// # Errors
    /// As [`Outputs::narrow`].
    fn wide(results: &[ResultView<'_>]) -> Result<Self::Wide>;
    /// As [`Outputs::narrow`], of the results behind the first alone.
    ///
    /// # Errors
    /// As [`Outputs::narrow`].
    fn rest(results: &[ResultView<'_>]) -> Result<Self::Rest>;
}

impl Outputs for () {
    type Narrow = ();
    type Wide = ();
    type Rest = ();
    const COUNT: usize = 0;
    fn narrow(_: &[ResultView<'_>]) -> Result<()> {
        Ok(())
    }
    fn wide(_: &[ResultView<'_>]) -> Result<()> {
        Ok(())
    }
    fn rest(_: &[ResultView<'_>]) -> Result<()> {
        Ok(())
    }
}

impl<E: OutElement, R: OutRank> Outputs for Out<E, R> {
    type Narrow = R::Tensor<E::Narrow>;
    type Wide = R::Tensor<E::Wide>;
    type Rest = ();
    const COUNT: usize = 1;
    fn narrow(results: &[ResultView<'_>]) -> Result<Self::Narrow> {
        R::tensor(results[0])
    }
    fn wide(results: &[ResultView<'_>]) -> Result<Self::Wide> {
        R::tensor(results[0])
    }
    fn rest(_: &[ResultView<'_>]) -> Result<()> {
        Ok(())
    }
}

macro_rules! outputs {
    ($($count:literal [$e0:ident $r0:ident $(, $e:ident $r:ident $i:tt)*] $rest:ty;)*) => {$(
        impl<$e0: OutElement, $r0: OutRank, $($e: OutElement, $r: OutRank),*> Outputs
            for (Out<$e0, $r0>, $(Out<$e, $r>,)*)
        {
            type Narrow = ($r0::Tensor<$e0::Narrow>, $($r::Tensor<$e::Narrow>,)*);
            type Wide = ($r0::Tensor<$e0::Wide>, $($r::Tensor<$e::Wide>,)*);
            type Rest = <$rest as Outputs>::Narrow;
            const COUNT: usize = $count;
            fn narrow(results: &[ResultView<'_>]) -> Result<Self::Narrow> {
                Ok(($r0::tensor(results[0])?, $($r::tensor(results[$i])?,)*))
            }
            fn wide(results: &[ResultView<'_>]) -> Result<Self::Wide> {
                Ok(($r0::tensor(results[0])?, $($r::tensor(results[$i])?,)*))
            }
            fn rest(results: &[ResultView<'_>]) -> Result<Self::Rest> {
                <$rest as Outputs>::narrow(results)
            }
        }
    )*};
}
outputs! {
    1 [E0 R0] ();
    2 [E0 R0, E1 R1 1] Out<E1, R1>;
    3 [E0 R0, E1 R1 1, E2 R2 2] (Out<E1, R1>, Out<E2, R2>);
    4 [E0 R0, E1 R1 1, E2 R2 2, E3 R3 3] (Out<E1, R1>, Out<E2, R2>, Out<E3, R3>);
    5 [E0 R0, E1 R1 1, E2 R2 2, E3 R3 3, E4 R4 4]
        (Out<E1, R1>, Out<E2, R2>, Out<E3, R3>, Out<E4, R4>);
    6 [E0 R0, E1 R1 1, E2 R2 2, E3 R3 3, E4 R4 4, E5 R5 5]
        (Out<E1, R1>, Out<E2, R2>, Out<E3, R3>, Out<E4, R4>, Out<E5, R5>);
    7 [E0 R0, E1 R1 1, E2 R2 2, E3 R3 3, E4 R4 4, E5 R5 5, E6 R6 6]
        (Out<E1, R1>, Out<E2, R2>, Out<E3, R3>, Out<E4, R4>, Out<E5, R5>, Out<E6, R6>);
    8 [E0 R0, E1 R1 1, E2 R2 2, E3 R3 3, E4 R4 4, E5 R5 5, E6 R6 6, E7 R7 7]
        (Out<E1, R1>, Out<E2, R2>, Out<E3, R3>, Out<E4, R4>, Out<E5, R5>, Out<E6, R6>, Out<E7, R7>);
}
