//! The admin app as a browser module: links what `frontend` exports under the feature `admin`.

use frontend as _;

fn main() {}
