//! The connectionless packets of the Quake III family: text after four 0xFF bytes, over UDP.
//!
//! Pure: bytes in, values out. Facts from the ioquake3 and dpmaster sources and from trying.
