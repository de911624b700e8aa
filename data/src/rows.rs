//! Single rows, as a source gives them, and how they are stacked to batches.

use crate::arrays::{Buffers, zeros};
use crate::error::{Error, Result};
use half::{bf16, f16};
use ndarray::{ArcArray, ArrayBase, ArrayView, Data, Dimension, Ix0, RemoveAxis, aview0};
use std::fmt::Debug;

/// A part of a row: a number, or an array.
pub trait Part {
    /// Its elements.
    type Element: Copy + Default + Debug + Send + Sync + 'static;
    /// Its dims; a batch has one more, in front.
    type Dim: Dimension<Larger: RemoveAxis>;
    /// All of it.
    fn all(&self) -> ArrayView<'_, Self::Element, Self::Dim>;
}

macro_rules! number {
    ($($number:ty)*) => {$(
        impl Part for $number {
            type Element = $number;
            type Dim = Ix0;
            fn all(&self) -> ArrayView<'_, $number, Ix0> {
                aview0(self)
            }
        }
    )*};
}
number!(f32 f64 f16 bf16 i8 i16 i32 i64 isize u8 u16 u32 u64 usize bool);

impl<S, T, D> Part for ArrayBase<S, D>
where
    S: Data<Elem = T>,
    T: Copy + Default + Debug + Send + Sync + 'static,
    D: Dimension<Larger: RemoveAxis>,
{
    type Element = T;
    type Dim = D;
    fn all(&self) -> ArrayView<'_, T, D> {
        self.view()
    }
}

/// The parts of a batch of which `P` is one row's.
type Stack<P> = ArcArray<<P as Part>::Element, <<P as Part>::Dim as Dimension>::Larger>;

/// One row: a number, an array, or a tuple of up to 8 of these.
pub trait Row {
    /// Rows stacked: each part has an axis more, in front.
    type Batch: Buffers + Send + 'static;
    /// Room for so many rows like this one.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`].
    fn room(&self, rows: usize) -> Result<Self::Batch>;
    /// The first part that is not shaped as the batch's rows are: its number and both shapes, the batch's first.
    fn misfit(&self, batch: &Self::Batch) -> Option<(usize, Vec<usize>, Vec<usize>)>;
    /// Copies it to a place of a batch that it fits.
    fn put(&self, place: usize, batch: &mut Self::Batch);
}

/// Room for rows like this one.
fn room_of<P: Part>(part: &P, rows: usize) -> Result<Stack<P>> {
    let shape = part.all();
    let shape = shape.shape();
    let mut dim = <P::Dim as Dimension>::Larger::zeros(shape.len() + 1);
    let extents = std::iter::once(&rows).chain(shape);
    dim.slice_mut()
        .iter_mut()
        .zip(extents)
        .for_each(|(to, from)| *to = *from);
    zeros(dim)
}

fn misfit_of<P: Part>(
    part: &P,
    number: usize,
    stack: &Stack<P>,
) -> Option<(usize, Vec<usize>, Vec<usize>)> {
    let part = part.all();
    let expected = stack.shape().get(1..).unwrap_or_default();
    (part.shape() != expected).then(|| (number, expected.to_vec(), part.shape().to_vec()))
}

fn put_part<P: Part>(part: &P, place: usize, stack: &mut Stack<P>) {
    let part = part.all();
    let start = place * part.len();
    // Room is made in row-major order.
    let place = stack
        .as_slice_mut()
        .and_then(|all| all.get_mut(start..start + part.len()));
    if let Some(place) = place {
        place
            .iter_mut()
            .zip(part)
            .for_each(|(to, from)| *to = *from);
    }
}

impl<P: Part> Row for P
where
    Stack<P>: Send + 'static,
{
    type Batch = Stack<P>;
    fn room(&self, rows: usize) -> Result<Stack<P>> {
        room_of(self, rows)
    }
    fn misfit(&self, batch: &Stack<P>) -> Option<(usize, Vec<usize>, Vec<usize>)> {
        misfit_of(self, 0, batch)
    }
    fn put(&self, place: usize, batch: &mut Stack<P>) {
        put_part(self, place, batch);
    }
}

macro_rules! tuple {
    ($($part:ident $i:tt),*) => {
        impl<$($part: Part),*> Row for ($($part,)*)
        where
            $(Stack<$part>: Send + 'static,)*
        {
            type Batch = ($(Stack<$part>,)*);
            fn room(&self, rows: usize) -> Result<Self::Batch> {
                Ok(($(room_of(&self.$i, rows)?,)*))
            }
            fn misfit(&self, batch: &Self::Batch) -> Option<(usize, Vec<usize>, Vec<usize>)> {
                None$(.or_else(|| misfit_of(&self.$i, $i, &batch.$i)))*
            }
            fn put(&self, place: usize, batch: &mut Self::Batch) {
                $(put_part(&self.$i, place, &mut batch.$i);)*
            }
        }
    };
}
tuple!(A 0);
tuple!(A 0, B 1);
tuple!(A 0, B 1, C 2);
tuple!(A 0, B 1, C 2, D 3);
tuple!(A 0, B 1, C 2, D 3, E 4);
tuple!(A 0, B 1, C 2, D 3, E 4, F 5);
tuple!(A 0, B 1, C 2, D 3, E 4, F 5, G 6);
tuple!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7);

/// The error of a row that differs from those before it.
pub(crate) fn misfit<R: Row>(row: usize, value: &R, batch: &R::Batch) -> Result<()> {
    match value.misfit(batch) {
        None => Ok(()),
        Some((part, expected, found)) => Err(Error::RowShape {
            row,
            part,
            expected,
            found,
        }),
    }
}
