package dev.graft.cache;

/** Pages of bfloat16, rounded to nearest even: half the memory and traffic. */
public final class BFloat16Pages implements KeyValuePages {
  private final short[][] pages;
  private final int heads;
  private final int headDim;
  private final int elements;

  /**
   * Room for pages, none of which takes memory yet.
   *
   * @param heads key/value heads of a layer
   */
  public BFloat16Pages(int count, int layers, int heads, int headDim) {
    this.pages = new short[count][];
    this.heads = heads;
    this.headDim = headDim;
    this.elements = Math.multiplyExact(2 * SIZE * layers * heads, headDim);
  }

  @Override
  public int count() {
    return pages.length;
  }

  @Override
  public long bytesPerPage() {
    return 2L * elements;
  }

  @Override
  public void touch(int page) {
    if (pages[page] == null) {
      pages[page] = new short[elements];
    }
  }

  private int keysAt(int layer, int head) {
    return (2 * layer * heads + head) * SIZE * headDim;
  }

  private int valuesAt(int layer, int head) {
    return ((2 * layer + 1) * heads + head) * SIZE * headDim;
  }

  @Override
  public void write(
      int page,
      int layer,
      int head,
      int slot,
      float[] key,
      int keyAt,
      int keyStep,
      float[] value,
      int valueAt,
      int valueStep) {
    short[] to = pages[page];
    int k = keysAt(layer, head) + slot;
    int v = valuesAt(layer, head) + slot * headDim;
    for (int i = 0; i < headDim; i++) {
      to[k + i * SIZE] = round(key[keyAt + i * keyStep]);
      to[v + i] = round(value[valueAt + i * valueStep]);
    }
  }

  private static short round(float x) {
    int bits = Float.floatToRawIntBits(x);
    return Float.isNaN(x) ? 0x7FC0 : (short) ((bits + 0x7FFF + (bits >>> 16 & 1)) >>> 16);
  }

  @Override
  public Block keys(int page, int layer, int head, float[] room) {
    return decode(pages[page], keysAt(layer, head), room);
  }

  @Override
  public Block values(int page, int layer, int head, float[] room) {
    return decode(pages[page], valuesAt(layer, head), room);
  }

  private Block decode(short[] from, int at, float[] room) {
    for (int i = 0; i < SIZE * headDim; i++) {
      room[i] = Float.intBitsToFloat(from[at + i] << 16);
    }
    return new Block(room, 0);
  }
}
