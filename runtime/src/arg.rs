//! Arguments: what a user may pass to `step` and `run`, and how the runtime sees it.
//!
//! A model function's argument is a marker type, `Arg<Float, Rank<2>>`; [`IntoArg`] is implemented
//! for the host types that fit it, so a wrong element type or rank is rustc's error at the argument.
//! Extents are checked when the argument is bound. Nothing is copied here: an [`ArgView`] borrows.

use half::{bf16, f16};
use ndarray::{ArrayBase, ArrayRef, Data, Dim, Dimension, Ix, IxDyn};
use sinew_ir::DType;
use std::marker::PhantomData;

/// The greatest rank of an argument.
pub const MAX_RANK: usize = 8;

/// The working float of a declared type: f32, or f64 under [`Precision::F64`](crate::Precision::F64).
#[derive(Debug, Clone, Copy)]
pub struct Float;

/// A declared rank.
#[derive(Debug, Clone, Copy)]
pub struct Rank<const N: usize>;

/// The rank of a type that starts with a sequence of dims: known when the argument comes.
#[derive(Debug, Clone, Copy)]
pub struct AnyRank;

/// A declared argument: element type ([`Float`], `f32`, `f64`, `f16`, `bf16`, `i32`, `u32`, `bool`) and rank.
#[derive(Debug)]
pub struct Arg<E, R>(PhantomData<(E, R)>);

/// What elements are, and where they lie, is told by the traits below and believed when they are read:
/// another implementation could have memory read that is not the argument's.
mod sealed {
    use half::{bf16, f16};
    pub trait Sealed {}
    macro_rules! sealed {
        ($($host:ty)*) => { $(impl Sealed for $host {})* };
    }
    sealed!(f32 f64 f16 bf16 i8 i16 i32 i64 isize u8 u16 u32 u64 usize bool);
    impl<T: Sealed, const N: usize> Sealed for [T; N] {}
    impl<const N: usize> Sealed for super::Rank<N> {}
}

/// The type of elements on the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HostType {
    /// `f32`
    F32,
    /// `f64`
    F64,
    /// `half::f16`
    F16,
    /// `half::bf16`
    Bf16,
    /// `i8`
    I8,
    /// `i16`
    I16,
    /// `i32`
    I32,
    /// `i64`
    I64,
    /// `u8`
    U8,
    /// `u16`
    U16,
    /// `u32`
    U32,
    /// `u64`
    U64,
    /// `bool`, of one byte.
    Bool,
}

impl HostType {
    /// `isize`, as wide as addresses are.
    const ISIZE: HostType = match size_of::<isize>() {
        8 => HostType::I64,
        _ => HostType::I32,
    };
    /// `usize`, likewise.
    const USIZE: HostType = match size_of::<usize>() {
        8 => HostType::U64,
        _ => HostType::U32,
    };

    /// The element type that has its values and its bytes in kernels, where there is one.
    fn in_place(self) -> Option<DType> {
        match self {
            HostType::F32 => Some(DType::F32),
            HostType::F64 => Some(DType::F64),
            HostType::F16 => Some(DType::F16),
            HostType::Bf16 => Some(DType::Bf16),
            HostType::I32 => Some(DType::I32),
            HostType::U32 => Some(DType::U32),
            // A `bool` is a word in kernels.
            HostType::Bool => None,
            HostType::I8 | HostType::I16 | HostType::I64 => None,
            HostType::U8 | HostType::U16 | HostType::U64 => None,
        }
    }

    /// The bytes of an element.
    fn size(self) -> usize {
        match self {
            HostType::I8 | HostType::U8 | HostType::Bool => 1,
            HostType::F16 | HostType::Bf16 | HostType::I16 | HostType::U16 => 2,
            HostType::F32 | HostType::I32 | HostType::U32 => 4,
            HostType::F64 | HostType::I64 | HostType::U64 => 8,
        }
    }

    /// Whether its elements are floats.
    pub(crate) fn is_float(self) -> bool {
        match self {
            HostType::F32 | HostType::F64 | HostType::F16 | HostType::Bf16 => true,
            HostType::I8
            | HostType::I16
            | HostType::I32
            | HostType::I64
            | HostType::U8
            | HostType::U16
            | HostType::U32
            | HostType::U64
            | HostType::Bool => false,
        }
    }

    /// Whether it may hold a number that an argument of `dtype` does not: integers alone are converted with
    /// a check, floats round.
    pub(crate) fn may_exceed(self, dtype: DType) -> bool {
        match dtype {
            DType::I32 => matches!(self, HostType::U32 | HostType::I64 | HostType::U64),
            DType::U32 => !matches!(self, HostType::U8 | HostType::U16 | HostType::U32),
            DType::Float | DType::F32 | DType::F64 | DType::F16 | DType::Bf16 | DType::Bool => {
                false
            }
        }
    }
}

/// A type that host arrays may hold.
pub trait Element: sealed::Sealed + Copy + Default + Send + Sync + 'static {
    /// Which it is.
    const HOST: HostType;
}

macro_rules! element {
    ($($host:ty, $variant:ident, [$($marker:ty),*];)*) => {$(
        impl Element for $host {
            const HOST: HostType = HostType::$variant;
        }
        $(impl ElementOf<$marker> for $host {})*
    )*};
}

/// Host elements that fit a declared element type. Integers of any width are indices and labels, and are
/// checked to be in range when they come; bytes are also what pictures have, 0 to 255 for any float.
pub trait ElementOf<E>: Element {}

element! {
    f32, F32, [Float, f32];
    f64, F64, [Float, f64];
    f16, F16, [f16];
    bf16, Bf16, [bf16];
    i8, I8, [i32, u32];
    i16, I16, [i32, u32];
    i32, I32, [i32, u32];
    i64, I64, [i32, u32];
    isize, ISIZE, [i32, u32];
    u8, U8, [Float, i32, u32];
    u16, U16, [i32, u32];
    u32, U32, [i32, u32];
    u64, U64, [i32, u32];
    usize, USIZE, [i32, u32];
    bool, Bool, [bool];
}

/// Host ranks that fit a declared rank; a dynamic one is checked when it comes.
pub trait RankOf<R> {}

impl<const N: usize> RankOf<Rank<N>> for Rank<N> {}
impl<const N: usize> RankOf<AnyRank> for Rank<N> {}
impl<R> RankOf<R> for IxDyn {}

macro_rules! ndarray_ranks {
    ($($n:literal)*) => {$(
        impl RankOf<Rank<$n>> for Dim<[Ix; $n]> {}
        impl RankOf<AnyRank> for Dim<[Ix; $n]> {}
    )*};
}
ndarray_ranks!(0 1 2 3 4 5 6);

/// Nested Rust arrays: a number, or an array of nested arrays. Nothing else can be one:
///
/// ```compile_fail,E0277
/// # use sinew_runtime::{MAX_RANK, Nested, Rank};
/// #[derive(Clone, Copy)]
/// struct Claim;
/// impl Nested for Claim {
///     type Element = f32;
///     type Rank = Rank<1>;
///     fn extents(extents: &mut [usize; MAX_RANK], at: usize) -> usize {
///         extents[at] = 1 << 20; // of memory that is not there
///         at + 1
///     }
/// }
/// ```
pub trait Nested: sealed::Sealed + Copy {
    /// The numbers inside.
    type Element: Element;
    /// Its rank.
    type Rank: NextRank;
    /// Its extents, outermost first, written behind the first `at` of `extents`; returns their end.
    fn extents(extents: &mut [usize; MAX_RANK], at: usize) -> usize;
}

/// A rank and the one above it.
pub trait NextRank: sealed::Sealed {
    /// One more.
    type Next;
}

macro_rules! next_rank {
    ($($n:literal $next:literal),*) => {$(
        impl NextRank for Rank<$n> {
            type Next = Rank<$next>;
        }
    )*};
}
next_rank!(0 1, 1 2, 2 3, 3 4, 4 5, 5 6, 6 7, 7 8);

macro_rules! nested_number {
    ($($host:ty)*) => {$(
        impl Nested for $host {
            type Element = $host;
            type Rank = Rank<0>;
            fn extents(_: &mut [usize; MAX_RANK], at: usize) -> usize {
                at
            }
        }
        #[diagnostic::do_not_recommend]
        impl<E, R> Host<E, R> for $host
        where
            $host: ElementOf<E>,
            Rank<0>: RankOf<R>,
        {
            fn arg_view(&self) -> ArgView<'_> {
                ArgView::contiguous(self, <$host>::HOST, [0; MAX_RANK], 0)
            }
        }
    )*};
}
nested_number!(f32 f64 f16 bf16 i8 i16 i32 i64 isize u8 u16 u32 u64 usize bool);

impl<T: Nested, const N: usize> Nested for [T; N]
where
    T::Rank: NextRank<Next: NextRank>,
{
    type Element = T::Element;
    type Rank = <T::Rank as NextRank>::Next;
    fn extents(extents: &mut [usize; MAX_RANK], at: usize) -> usize {
        extents[at] = N;
        T::extents(extents, at + 1)
    }
}

/// An argument as the runtime sees it: borrowed elements with extents and strides.
#[derive(Debug, Clone, Copy)]
pub struct ArgView<'a> {
    /// The first element.
    pub(crate) pointer: *const u8,
    /// The type of the elements.
    pub(crate) host: HostType,
    rank: usize,
    extents: [usize; MAX_RANK],
    strides: [isize; MAX_RANK],
    borrowed: PhantomData<&'a ()>,
}

impl<'a> ArgView<'a> {
    /// No elements; fills places of arguments that are not there.
    pub(crate) const NOTHING: ArgView<'static> = ArgView {
        pointer: std::ptr::null(),
        host: HostType::F32,
        rank: 1,
        extents: [0; MAX_RANK],
        strides: [0; MAX_RANK],
        borrowed: PhantomData,
    };

    /// Row-major elements from `first`; `rank` of the extents count.
    fn contiguous<T>(
        first: *const T,
        host: HostType,
        extents: [usize; MAX_RANK],
        rank: usize,
    ) -> ArgView<'a> {
        let mut strides = [0; MAX_RANK];
        let mut step = 1isize;
        for axis in (0..rank.min(MAX_RANK)).rev() {
            strides[axis] = step;
            // Allocations are below isize::MAX bytes, so only extents beside a 0 overflow.
            step = step.saturating_mul(isize::try_from(extents[axis]).unwrap_or(isize::MAX));
        }
        ArgView {
            pointer: first.cast(),
            host,
            rank,
            extents,
            strides,
            borrowed: PhantomData,
        }
    }

    pub(crate) fn of_ndarray<T: Element>(
        first: *const T,
        shape: &[usize],
        steps: &[isize],
    ) -> ArgView<'a> {
        let mut view = ArgView {
            pointer: first.cast(),
            host: T::HOST,
            // A rank past the greatest is kept, and refused when the argument is bound.
            rank: shape.len(),
            extents: [0; MAX_RANK],
            strides: [0; MAX_RANK],
            borrowed: PhantomData,
        };
        for (axis, (extent, step)) in shape.iter().zip(steps).take(MAX_RANK).enumerate() {
            view.extents[axis] = *extent;
            view.strides[axis] = *step;
        }
        view
    }

    /// The type of its elements.
    pub(crate) fn host(&self) -> HostType {
        self.host
    }

    /// Its rank; may be above [`MAX_RANK`].
    pub(crate) fn rank(&self) -> usize {
        self.rank
    }

    /// Its extents, at most [`MAX_RANK`] of them.
    pub(crate) fn extents(&self) -> &[usize] {
        &self.extents[..self.rank.min(MAX_RANK)]
    }

    /// Elements between neighbours along each axis.
    pub(crate) fn strides(&self) -> &[isize] {
        &self.strides[..self.rank.min(MAX_RANK)]
    }

    /// Number of elements.
    pub(crate) fn elements(&self) -> usize {
        match self.is_empty() {
            // The other extents lie in no memory: their product may be past all numbers.
            true => 0,
            false => self.extents().iter().product(),
        }
    }

    fn is_empty(&self) -> bool {
        self.extents().contains(&0)
    }

    /// Its slices along the first axis from `start` on, `count` of them or as many as there are; itself if it has no axis.
    pub(crate) fn rows(&self, start: usize, count: usize) -> ArgView<'a> {
        let mut rows = *self;
        if self.rank == 0 {
            return rows;
        }
        let start = start.min(self.extents[0]);
        let step = self.strides[0] * self.host.size().cast_signed();
        // Inside of the elements that are borrowed, or behind them where no slice is left.
        rows.pointer = self.pointer.wrapping_offset(step * start.cast_signed());
        rows.extents[0] = count.min(self.extents[0] - start);
        rows
    }

    /// The elements' bytes, if they lie in row-major order without gaps and are what kernels read as
    /// `dtype`.
    pub(crate) fn bytes_in_place(&self, dtype: DType) -> Option<&'a [u8]> {
        let size = dtype.size()?;
        if self.host.in_place() != Some(dtype) || !self.is_contiguous() {
            return None;
        }
        // SAFETY: a view is made of a borrowed array of its element type, whose extents it holds: so
        // many initialised elements lie here.
        Some(unsafe { std::slice::from_raw_parts(self.pointer, self.elements() * size) })
    }

    /// Whether the elements lie in row-major order without gaps.
    pub(crate) fn is_contiguous(&self) -> bool {
        if self.is_empty() {
            return true;
        }
        let mut step = 1isize;
        for (extent, stride) in self.extents().iter().zip(self.strides()).rev() {
            match *extent {
                1 => {}
                n if *stride == step => step *= n.cast_signed(),
                _ => return false,
            }
        }
        true
    }
}

/// Host values that may be passed for the declared argument `A`.
///
/// Arrays and views of `ndarray` of the declared rank (or of dynamic rank), slices and vectors for
/// rank 1, nested fixed arrays, numbers for rank 0; references to all of these. Integers of any width are
/// taken where `i32` or `u32` is declared, and refused by [`Error::Range`](crate::Error::Range) where one
/// is not in its range.
#[diagnostic::on_unimplemented(message = "`{A}` is asked for here, and `{Self}` came")]
pub trait IntoArg<A> {
    /// The argument, borrowed.
    fn arg(&self) -> ArgView<'_>;
}

// Of what follows rustc tells nothing: it is said of `IntoArg`.
#[diagnostic::do_not_recommend]
impl<E, R, T: Host<E, R> + ?Sized> IntoArg<Arg<E, R>> for T {
    fn arg(&self) -> ArgView<'_> {
        self.arg_view()
    }
}

/// What [`IntoArg`] takes, for a declared element type and rank.
pub trait Host<E, R> {
    /// The argument, borrowed.
    fn arg_view(&self) -> ArgView<'_>;
}

#[diagnostic::do_not_recommend]
impl<E, R, T: Host<E, R> + ?Sized> Host<E, R> for &T {
    fn arg_view(&self) -> ArgView<'_> {
        (**self).arg_view()
    }
}

#[diagnostic::do_not_recommend]
impl<E, R, T: Host<E, R> + ?Sized> Host<E, R> for &mut T {
    fn arg_view(&self) -> ArgView<'_> {
        (**self).arg_view()
    }
}

#[diagnostic::do_not_recommend]
impl<S, T, D, E, R> Host<E, R> for ArrayBase<S, D>
where
    S: Data<Elem = T>,
    T: ElementOf<E>,
    D: Dimension + RankOf<R>,
{
    fn arg_view(&self) -> ArgView<'_> {
        ArgView::of_ndarray(self.as_ptr(), self.shape(), self.strides())
    }
}

#[diagnostic::do_not_recommend]
impl<T, D, E, R> Host<E, R> for ArrayRef<T, D>
where
    T: ElementOf<E>,
    D: Dimension + RankOf<R>,
{
    fn arg_view(&self) -> ArgView<'_> {
        ArgView::of_ndarray(self.as_ptr(), self.shape(), self.strides())
    }
}

fn nested_view<T: Nested>(rows: &[T]) -> ArgView<'_> {
    let mut extents = [0; MAX_RANK];
    extents[0] = rows.len();
    let rank = T::extents(&mut extents, 1);
    ArgView::contiguous(rows.as_ptr(), T::Element::HOST, extents, rank)
}

macro_rules! nested_arg {
    ($([$($generics:tt)*] $host:ty;)*) => {$(
        #[diagnostic::do_not_recommend]
        impl<T, E, R, $($generics)*> Host<E, R> for $host
        where
            T: Nested,
            T::Element: ElementOf<E>,
            <T::Rank as NextRank>::Next: RankOf<R>,
        {
            fn arg_view(&self) -> ArgView<'_> {
                nested_view(self.as_ref())
            }
        }
    )*};
}
nested_arg! {
    [] [T];
    [] Vec<T>;
    [const N: usize] [T; N];
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array1, Array2, ArrayD, ShapeBuilder, array};

    type Matrix = Arg<Float, Rank<2>>;
    type Row = Arg<Float, Rank<1>>;
    type Any = Arg<Float, AnyRank>;

    fn extents<A>(data: impl IntoArg<A>) -> Vec<usize> {
        data.arg().extents().to_vec()
    }

    #[test]
    fn host_types_of_the_declared_rank_fit() {
        let a: Array2<f32> = array![[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]];
        assert_eq!(extents::<Matrix>(&a), [2, 3]);
        assert_eq!(extents::<Matrix>(a.view()), [2, 3]);
        assert_eq!(extents::<Matrix>(a.t()), [3, 2]);
        assert_eq!(extents::<Matrix>(&*a), [2, 3]);
        assert_eq!(extents::<Matrix>(a.clone().into_shared()), [2, 3]);
        assert_eq!(extents::<Any>(&a), [2, 3]);
        assert_eq!(extents::<Matrix>(&a.clone().into_dyn()), [2, 3]);
        assert_eq!(
            extents::<Matrix>([[1.0f32, 2.0], [3.0, 4.0], [5.0, 6.0]]),
            [3, 2]
        );
        assert_eq!(extents::<Matrix>(vec![[1.0, 2.0]]), [1, 2]);
        assert_eq!(extents::<Row>(&[1.0, 2.0]), [2]);
        assert_eq!(extents::<Row>(vec![1.0f32; 7]), [7]);
        assert_eq!(extents::<Row>(&Array1::<f64>::zeros(0)), [0]);
        assert_eq!(extents::<Arg<i32, Rank<1>>>(&[1, 2, 3][..]), [3]);
        assert_eq!(extents::<Arg<bool, Rank<1>>>([true, false]), [2]);
        assert_eq!(extents::<Arg<u32, Rank<0>>>(7u32), [0; 0]);
        assert_eq!(extents::<Arg<Float, Rank<0>>>(&1.5), [0; 0]);
        assert_eq!(extents::<Any>(1.5f32), [0; 0]);
        assert_eq!(extents::<Any>([[[0.0f32; 2]; 3]; 4]), [4, 3, 2]);
    }

    #[test]
    fn contiguity_is_seen() {
        let a = Array2::<f32>::zeros((4, 6));
        let contiguous = |v: ArgView<'_>| v.is_contiguous();
        assert!(contiguous(IntoArg::<Matrix>::arg(&a)));
        assert!(!contiguous(IntoArg::<Matrix>::arg(&a.t())));
        assert!(contiguous(IntoArg::<Matrix>::arg(
            &a.slice(ndarray::s![1..3, ..])
        )));
        assert!(!contiguous(IntoArg::<Matrix>::arg(
            &a.slice(ndarray::s![.., 1..3])
        )));
        assert!(contiguous(IntoArg::<Matrix>::arg(
            &a.slice(ndarray::s![2..3, 1..3])
        )));
        assert!(!contiguous(IntoArg::<Matrix>::arg(&Array2::<f32>::zeros(
            (3, 2).f()
        ))));
        assert!(!contiguous(IntoArg::<Row>::arg(
            &a.slice(ndarray::s![0, ..;-1])
        )));
    }

    /// Arrays of no bytes may have any extents.
    #[test]
    fn an_empty_array_of_endless_extents_has_no_elements() {
        const MANY: usize = 1 << 40;
        let nothing = [[[0f32; 0]; MANY]; MANY];
        let view = IntoArg::<Any>::arg(&nothing);
        assert_eq!(view.extents(), [MANY, MANY, 0]);
        assert_eq!(view.elements(), 0);
        assert!(view.is_contiguous());
        assert_eq!(view.bytes_in_place(DType::F32), Some(&[][..]));
    }

    #[test]
    fn a_rank_past_the_greatest_is_kept_for_the_error() {
        let a = ArrayD::<f32>::zeros(vec![1; 9]);
        assert_eq!(IntoArg::<Any>::arg(&a).rank(), 9);
    }
}
