package dev.graft.decoder;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;

/** The chunks of a step as bytes: what rank 0 tells the other processes. */
final class StepMessage {
  private StepMessage() {}

  static byte[] write(List<Chunk> chunks) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (DataOutputStream out = new DataOutputStream(bytes)) {
      out.writeInt(chunks.size());
      for (Chunk chunk : chunks) {
        write(out, chunk.ids());
        out.writeInt(chunk.position());
        write(out, chunk.pages());
        out.writeUTF(chunk.phase().name());
        out.writeInt(chunk.logits());
        out.writeBoolean(chunk.chooses());
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return bytes.toByteArray();
  }

  private static void write(DataOutputStream out, int[] values) throws IOException {
    out.writeInt(values.length);
    for (int value : values) {
      out.writeInt(value);
    }
  }

  static List<Chunk> read(byte[] message) {
    List<Chunk> chunks = new ArrayList<>();
    try (DataInputStream in = new DataInputStream(new ByteArrayInputStream(message))) {
      int count = in.readInt();
      for (int c = 0; c < count; c++) {
        int[] ids = readInts(in);
        int position = in.readInt();
        int[] pages = readInts(in);
        Phase phase = Phase.valueOf(in.readUTF());
        chunks.add(new Chunk(ids, position, pages, phase, in.readInt(), in.readBoolean()));
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return chunks;
  }

  private static int[] readInts(DataInputStream in) throws IOException {
    int[] values = new int[in.readInt()];
    for (int i = 0; i < values.length; i++) {
      values[i] = in.readInt();
    }
    return values;
  }
}
