/**
 * A checkpoint streamed into one of smaller weights: FP8 with scales per tensor, row or block, or
 * signed bytes in blocks of 32, in forms that others read.
 */
package dev.graft.quantize;
