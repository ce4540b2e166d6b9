package dev.graft.text;

import dev.graft.checkpoint.InvalidInputException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.file.Path;

/** Element types of an indexed dataset, by Megatron-Core's codes. */
enum TokenType {
  UINT8(1, 1),
  INT32(4, 4),
  INT64(5, 8),
  UINT16(8, 2);

  private final byte code;
  private final int bytes;

  TokenType(int code, int bytes) {
    this.code = (byte) code;
    this.bytes = bytes;
  }

  byte code() {
    return code;
  }

  int bytes() {
    return bytes;
  }

  /** uint16 where it holds the vocabulary with room to spare, as Megatron-Core chooses. */
  static TokenType forVocabulary(int vocabSize) {
    return vocabSize < 65500 ? UINT16 : INT32;
  }

  static TokenType ofCode(Path file, byte code) {
    for (TokenType type : values()) {
      if (type.code == code) {
        return type;
      }
    }
    throw new InvalidInputException(
        file
            + ": the dtype code "
            + code
            + " is not one of uint8, int32, int64 and uint16; tokenize the text again");
  }

  long get(MemorySegment data, long index) {
    return switch (this) {
      case UINT8 -> data.get(ValueLayout.JAVA_BYTE, index) & 0xFF;
      case INT32 -> data.get(IndexedDataset.INT, index * 4);
      case INT64 -> data.get(IndexedDataset.LONG, index * 8);
      case UINT16 -> data.get(IndexedDataset.SHORT, index * 2) & 0xFFFF;
    };
  }

  void put(ByteBuffer buffer, long value) {
    switch (this) {
      case UINT8 -> buffer.put((byte) value);
      case INT32 -> buffer.putInt((int) value);
      case INT64 -> buffer.putLong(value);
      case UINT16 -> buffer.putShort((short) value);
    }
  }
}
