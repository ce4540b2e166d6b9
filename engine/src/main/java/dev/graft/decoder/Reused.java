package dev.graft.decoder;

/**
 * Memory that a pass writes anew each time. Kept, since fresh megabytes for every layer cost more
 * than the products that fill them; it grows to the largest step and holds what the last one left.
 */
final class Reused {
  private float[] data = {};

  /** At least so many values, of any content. */
  float[] atLeast(int size) {
    if (data.length < size) {
      data = new float[size];
    }
    return data;
  }
}
