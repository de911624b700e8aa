//! Names of layers: a struct of one's own may be called as one of the library's, beside those that are imported.

use ndarray::array;
use sinew::prelude::*;

#[model]
mod own {
    use sinew::nn::LayerNorm;
    use sinew::prelude::*;

    pub struct Embedding {
        #[init(constant(2.0))]
        pub w: Param,
    }

    impl Embedding {
        pub fn forward<N>(&self, x: Tensor<N>) -> Tensor<N> {
            x * self.w
        }
    }

    pub struct Net {
        pub own: Embedding,
        pub theirs: sinew::nn::Embedding<3, 2>,
        pub norm: LayerNorm<2>,
    }
}

/// Where the struct is imported from another module.
#[model]
mod user {
    use super::own::{Embedding, Net};
    use sinew::prelude::*;

    pub fn twice<N>(m: &Embedding, x: Tensor<N>) -> Tensor<N> {
        m.forward(m.forward(x))
    }

    pub fn both<N>(m: &Net, i: Tensor<i32, N>, x: Tensor<N>) -> (Tensor<N>, Tensor<N, 2>) {
        (m.own.forward(x), m.norm.forward(m.theirs.forward(i)))
    }
}

#[test]
fn a_struct_may_be_called_as_a_layer() -> sinew::Result<()> {
    assert_eq!(
        user::twice(&own::Embedding::init(0), [1.0, 3.0])?,
        array![4.0, 12.0]
    );
    let (own, theirs) = user::both(&own::Net::init(0), [2, 0], [1.0, 3.0])?;
    assert_eq!((own, theirs.dim()), (array![2.0, 6.0], (2, 2)));
    Ok(())
}
