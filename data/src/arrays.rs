//! Arrays that share their first axis, row by row: what batches are cut from.
//!
//! A batch is made of `ArcArray`s. Whoever cuts batches keeps a handle of each one; when the caller has dropped theirs,
//! the next batch is written into the same memory. One that the caller keeps is left alone, and costs new memory.

use crate::error::{Error, Result, room};
use ndarray::{ArcArray, ArrayBase, ArrayView, Axis, Data, Dimension, RemoveAxis};
use std::fmt::Debug;

/// An array whose first axis counts rows: an `ndarray` array, a view, or a reference to one.
pub trait Column {
    /// Its elements.
    type Element: Copy + Default + Debug + Send + Sync + 'static;
    /// Its dims.
    type Dim: Dimension + RemoveAxis;
    /// All of it.
    fn all(&self) -> ArrayView<'_, Self::Element, Self::Dim>;
}

impl<S, T, D> Column for ArrayBase<S, D>
where
    S: Data<Elem = T>,
    T: Copy + Default + Debug + Send + Sync + 'static,
    D: Dimension + RemoveAxis,
{
    type Element = T;
    type Dim = D;
    fn all(&self) -> ArrayView<'_, T, D> {
        self.view()
    }
}

impl<C: Column> Column for &C {
    type Element = C::Element;
    type Dim = C::Dim;
    fn all(&self) -> ArrayView<'_, C::Element, C::Dim> {
        (**self).all()
    }
}

/// One array, or a tuple of up to 8, with the same first axis.
pub trait Arrays {
    /// Some of the rows: an `ArcArray`, or a tuple of them.
    type Batch: Buffers;
    /// The extent of each array's first axis; none for an array of no dims.
    fn extents(&self) -> Vec<Option<usize>>;
    /// Room for so many rows.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`].
    fn room(&self, rows: usize) -> Result<Self::Batch>;
    /// Copies rows to the first places of a batch that has as much room.
    fn copy(&self, rows: impl Iterator<Item = usize> + Clone, into: &mut Self::Batch);
}

/// The arrays of a batch, whose memory may be used again.
pub trait Buffers: Clone + Debug {
    /// Whether nobody else holds any of the arrays.
    fn is_free(&self) -> bool;
    /// Leaves the first rows of each array.
    fn cut(&mut self, rows: usize);
}

/// How many rows all the arrays have.
///
/// # Errors
/// [`Error::Rows`].
pub(crate) fn rows_of(arrays: &impl Arrays) -> Result<usize> {
    let extents = arrays.extents();
    let first = extents.first().copied().flatten().unwrap_or(0);
    for (number, extent) in extents.iter().enumerate() {
        if *extent != Some(first) {
            return Err(Error::Rows {
                first,
                number,
                found: match extent {
                    Some(rows) => rows.to_string(),
                    None => "is one number, which has none".to_string(),
                },
            });
        }
    }
    Ok(first)
}

fn room_of<C: Column>(column: &C, rows: usize) -> Result<ArcArray<C::Element, C::Dim>> {
    let mut dim = column.all().raw_dim();
    if let Some(first) = dim.slice_mut().first_mut() {
        *first = rows;
    }
    zeros(dim)
}

/// An array of default elements, in row-major order.
///
/// # Errors
/// [`Error::OutOfMemory`].
pub(crate) fn zeros<T: Copy + Default, D: Dimension>(dim: D) -> Result<ArcArray<T, D>> {
    let count = dim
        .slice()
        .iter()
        .try_fold(1usize, |n, extent| n.checked_mul(*extent));
    let too_large = || Error::OutOfMemory {
        what: "a batch".into(),
        bytes: usize::MAX,
    };
    let count = count.ok_or_else(too_large)?;
    let mut elements = room("a batch", count)?;
    elements.resize(count, T::default());
    ArcArray::from_shape_vec(dim, elements).map_err(|_| too_large())
}

fn copy_of<C: Column>(
    column: &C,
    rows: impl Iterator<Item = usize>,
    into: &mut ArcArray<C::Element, C::Dim>,
) {
    let all = column.all();
    let length: usize = all.shape().iter().skip(1).product();
    // Room is made in row-major order.
    let Some(into) = into.as_slice_mut().filter(|_| length > 0) else {
        return;
    };
    let places = into.chunks_exact_mut(length).zip(rows);
    match all.as_slice() {
        Some(all) => {
            for (place, row) in places {
                if let Some(row) = all.get(row * length..(row + 1) * length) {
                    place.copy_from_slice(row);
                }
            }
        }
        None => {
            for (place, row) in places {
                let row = all.index_axis(Axis(0), row);
                place.iter_mut().zip(row).for_each(|(to, from)| *to = *from);
            }
        }
    }
}

impl<C: Column> Arrays for C {
    type Batch = ArcArray<C::Element, C::Dim>;
    fn extents(&self) -> Vec<Option<usize>> {
        vec![self.all().shape().first().copied()]
    }
    fn room(&self, rows: usize) -> Result<Self::Batch> {
        room_of(self, rows)
    }
    fn copy(&self, rows: impl Iterator<Item = usize> + Clone, into: &mut Self::Batch) {
        copy_of(self, rows, into);
    }
}

impl<T: Clone + Debug, D: Dimension> Buffers for ArcArray<T, D> {
    fn is_free(&self) -> bool {
        self.is_unique()
    }
    fn cut(&mut self, rows: usize) {
        if self.shape().first().is_some_and(|all| *all > rows) {
            self.slice_axis_inplace(Axis(0), ndarray::Slice::from(..rows));
        }
    }
}

macro_rules! tuple {
    ($($column:ident $batch:ident $i:tt),*) => {
        impl<$($column: Column),*> Arrays for ($($column,)*) {
            type Batch = ($(ArcArray<$column::Element, $column::Dim>,)*);
            fn extents(&self) -> Vec<Option<usize>> {
                vec![$(self.$i.all().shape().first().copied()),*]
            }
            fn room(&self, rows: usize) -> Result<Self::Batch> {
                Ok(($(room_of(&self.$i, rows)?,)*))
            }
            fn copy(&self, rows: impl Iterator<Item = usize> + Clone, into: &mut Self::Batch) {
                $(copy_of(&self.$i, rows.clone(), &mut into.$i);)*
            }
        }
        impl<$($batch: Buffers),*> Buffers for ($($batch,)*) {
            fn is_free(&self) -> bool {
                $(self.$i.is_free())&&*
            }
            fn cut(&mut self, rows: usize) {
                $(self.$i.cut(rows);)*
            }
        }
    };
}
tuple!(A BA 0);
tuple!(A BA 0, B BB 1);
tuple!(A BA 0, B BB 1, C BC 2);
tuple!(A BA 0, B BB 1, C BC 2, D BD 3);
tuple!(A BA 0, B BB 1, C BC 2, D BD 3, E BE 4);
tuple!(A BA 0, B BB 1, C BC 2, D BD 3, E BE 4, F BF 5);
tuple!(A BA 0, B BB 1, C BC 2, D BD 3, E BE 4, F BF 5, G BG 6);
tuple!(A BA 0, B BB 1, C BC 2, D BD 3, E BE 4, F BF 5, G BG 6, H BH 7);

/// Batches that were given away, for their memory.
#[derive(Debug)]
pub(crate) struct Kept<B>(Vec<B>);

impl<B: Buffers> Kept<B> {
    /// More are out at once where the caller collects them: those are not waited for.
    const MOST: usize = 8;

    pub fn new() -> Kept<B> {
        Kept(Vec::with_capacity(Self::MOST))
    }

    /// One that nobody holds any more.
    pub fn free(&mut self) -> Option<B> {
        let free = self.0.iter().position(B::is_free)?;
        Some(self.0.swap_remove(free))
    }

    /// Gives away the first rows of one.
    pub fn give(&mut self, buffer: B, rows: usize) -> B {
        let mut given = buffer.clone();
        if self.0.len() < Self::MOST {
            self.0.push(buffer);
        }
        given.cut(rows);
        given
    }
}
