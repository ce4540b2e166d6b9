package dev.graft.tensorboard;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.zip.CRC32C;

/**
 * TensorFlow's TFRecord framing, little-endian: u64 length, u32 masked CRC-32C of the length, the
 * bytes, u32 masked CRC-32C of the bytes (tensorflow/core/lib/io/record_writer.h).
 */
final class RecordFrame {
  private static final int MASK_DELTA = 0xa282ead8;

  private RecordFrame() {}

  /** A buffer ready to be written. */
  static ByteBuffer of(byte[] record) {
    ByteBuffer frame =
        ByteBuffer.allocate(Long.BYTES + Integer.BYTES + record.length + Integer.BYTES)
            .order(ByteOrder.LITTLE_ENDIAN);
    frame.putLong(record.length);
    frame.putInt(maskedCrc(frame.array(), Long.BYTES));
    frame.put(record);
    frame.putInt(maskedCrc(record, record.length));
    return frame.flip();
  }

  /** Rotated and shifted, so that a CRC over data that holds CRCs stays a good one. */
  static int maskedCrc(byte[] bytes, int length) {
    CRC32C crc = new CRC32C();
    crc.update(bytes, 0, length);
    return Integer.rotateRight((int) crc.getValue(), 15) + MASK_DELTA;
  }
}
