//! The portal's islands as a browser module: links what `frontend` exports under the feature `portal`.

use frontend as _;

fn main() {}
