package dev.graft.tensorboard;

import com.google.protobuf.CodedOutputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Map;

/**
 * The three messages of tensorflow/core/util/event.proto that scalars need, written field by field:
 * {@code Event {double wall_time = 1; int64 step = 2; string file_version = 3; Summary summary = 5;
 * SessionLog session_log = 7}}, {@code Summary {repeated Value {string tag = 1; float simple_value
 * = 2} value = 1}}, {@code SessionLog {Status status = 1}}.
 */
final class EventProto {
  private static final int SESSION_START = 1;

  private EventProto() {}

  /** The first record of every file. */
  static byte[] version(double wallTime) {
    return message(event -> {
      event.writeDouble(1, wallTime);
      event.writeString(3, "brain.Event:2");
    });
  }

  /** Tells TensorBoard to forget what earlier files say of this step and those after it. */
  static byte[] sessionStart(double wallTime, long step) {
    byte[] session = message(log -> log.writeEnum(1, SESSION_START));
    return message(event -> {
      event.writeDouble(1, wallTime);
      event.writeInt64(2, step);
      event.writeByteArray(7, session);
    });
  }

  static byte[] scalars(double wallTime, long step, Map<String, Double> values) {
    byte[] summary =
        message(out -> {
          for (Map.Entry<String, Double> entry : values.entrySet()) {
            byte[] value =
                message(scalar -> {
                  scalar.writeString(1, entry.getKey());
                  scalar.writeFloat(2, entry.getValue().floatValue());
                });
            out.writeByteArray(1, value);
          }
        });
    return message(event -> {
      event.writeDouble(1, wallTime);
      event.writeInt64(2, step);
      event.writeByteArray(5, summary);
    });
  }

  private interface Fields {
    void write(CodedOutputStream out) throws IOException;
  }

  private static byte[] message(Fields fields) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    CodedOutputStream out = CodedOutputStream.newInstance(bytes);
    try {
      fields.write(out);
      out.flush();
    } catch (IOException e) {
      throw new UncheckedIOException("a byte array took no more bytes", e);
    }
    return bytes.toByteArray();
  }
}
