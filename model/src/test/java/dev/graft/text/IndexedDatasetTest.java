package dev.graft.text;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.graft.checkpoint.InvalidInputException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class IndexedDatasetTest {
  @TempDir Path folder;
  private Path prefix;

  @BeforeEach
  void prefix() {
    prefix = folder.resolve("deep/er/text");
  }

  private static List<int[]> random(int documents, int vocabSize) {
    SplittableRandom random = new SplittableRandom(3);
    List<int[]> all = new ArrayList<>();
    for (int d = 0; d < documents; d++) {
      all.add(random.ints(random.nextInt(40), 0, vocabSize).toArray());
    }
    return all;
  }

  private void write(List<int[]> documents, int vocabSize) throws IOException {
    try (IndexedDatasetWriter writer = IndexedDatasetWriter.create(prefix, vocabSize)) {
      for (int[] document : documents) {
        writer.add(document);
      }
      writer.commit();
    }
  }

  private void writeMasked() throws IOException {
    try (IndexedDatasetWriter writer = IndexedDatasetWriter.create(prefix, 10)) {
      writer.add(new int[] {1, 2, 3});
      writer.add(new int[] {4, 5}, Optional.of(new boolean[] {false, true}));
      writer.add(new int[] {6});
      writer.commit();
    }
  }

  private String refused() {
    return assertThrows(InvalidInputException.class, () -> IndexedDataset.open(prefix))
        .getMessage();
  }

  @Test
  void documentsComeBackInTheTypeThatMegatronChooses() throws IOException {
    for (int vocabSize : new int[] {2, 65_499, 65_500, 200_000}) {
      // More documents than one buffer of the writer holds lengths of.
      List<int[]> documents = random(300_000 / (vocabSize == 2 ? 1 : 100), vocabSize);
      documents.add(new int[] {vocabSize - 1, 0});
      write(documents, vocabSize);
      long tokens = documents.stream().mapToLong(document -> document.length).sum();
      assertEquals(
          tokens * (vocabSize < 65_500 ? 2 : 4),
          Files.size(prefix.resolveSibling("text.bin")),
          "vocab_size " + vocabSize);
      try (IndexedDataset dataset = IndexedDataset.open(prefix)) {
        assertEquals(documents.size(), dataset.documents());
        assertEquals(tokens, dataset.tokens());
        assertFalse(dataset.masked());
        for (int d = 0; d < documents.size(); d++) {
          assertArrayEquals(documents.get(d), dataset.document(d));
          assertTrue(dataset.learned(d).isEmpty());
          if (documents.get(d).length > 0) {
            assertEquals(d, dataset.documentOf(dataset.start(d)));
            assertEquals(d, dataset.documentOf(dataset.start(d + 1) - 1));
          }
        }
      }
    }
  }

  @Test
  void aMaskBeginsWithTheFirstDocumentThatHasOne() throws IOException {
    writeMasked();
    try (IndexedDataset dataset = IndexedDataset.open(prefix)) {
      assertTrue(dataset.masked());
      assertArrayEquals(new boolean[] {true, true, true}, dataset.learned(0).orElseThrow());
      assertArrayEquals(new boolean[] {false, true}, dataset.learned(1).orElseThrow());
      assertArrayEquals(new boolean[] {true}, dataset.learned(2).orElseThrow());
    }
    assertEquals(6, Files.size(prefix.resolveSibling("text.loss_mask.bin")));
  }

  @Test
  void aNewDatasetDoesNotKeepAnOldMask() throws IOException {
    writeMasked();
    write(List.of(new int[] {1, 2, 3, 4, 5, 6}), 10);
    try (Stream<Path> files = Files.list(prefix.getParent())) {
      assertEquals(
          List.of("text.bin", "text.idx"),
          files.map(file -> file.getFileName().toString()).sorted().toList());
    }
  }

  @Test
  void nothingIsLeftOfADatasetThatWasNotCommitted() throws IOException {
    write(List.of(new int[] {1}), 10);
    try (IndexedDatasetWriter writer = IndexedDatasetWriter.create(prefix, 10)) {
      writer.add(new int[] {2, 3}, Optional.of(new boolean[] {true, false}));
      assertThrows(IllegalArgumentException.class, () -> writer.add(new int[] {10}));
      assertThrows(IllegalArgumentException.class, () -> writer.add(new int[] {-1}));
    }
    try (Stream<Path> files = Files.list(prefix.getParent())) {
      assertEquals(2, files.count());
    }
    try (IndexedDataset dataset = IndexedDataset.open(prefix)) {
      assertArrayEquals(new int[] {1}, dataset.document(0));
    }
  }

  /** Megatron can split a document into sentences, each a sequence. */
  @Test
  void documentsOfSeveralSequencesAreWhole() throws IOException {
    Files.createDirectories(prefix.getParent());
    Files.write(prefix.resolveSibling("text.bin"), new byte[] {1, 2, 3, 4, 5, 6});
    ByteBuffer idx = ByteBuffer.allocate(200).order(ByteOrder.LITTLE_ENDIAN);
    idx.put("MMIDIDX\0\0".getBytes(StandardCharsets.US_ASCII));
    idx.putLong(1).put((byte) 1).putLong(3).putLong(3);
    idx.putInt(2).putInt(3).putInt(1).putLong(0).putLong(2).putLong(5);
    idx.putLong(0).putLong(2).putLong(3);
    Files.write(prefix.resolveSibling("text.idx"), Arrays.copyOf(idx.array(), idx.position()));
    try (IndexedDataset dataset = IndexedDataset.open(prefix)) {
      assertEquals(2, dataset.documents());
      assertArrayEquals(new int[] {1, 2, 3, 4, 5}, dataset.document(0));
      assertArrayEquals(new int[] {6}, dataset.document(1));
    }
  }

  @Test
  void damagedFilesAreNamed() throws IOException {
    Path idx = prefix.resolveSibling("text.idx");
    Path bin = prefix.resolveSibling("text.bin");
    assertTrue(refused().startsWith(idx + ": there is no such file"), refused());

    write(List.of(new int[] {1, 2}, new int[] {3}), 10);
    byte[] good = Files.readAllBytes(idx);
    Files.write(bin, new byte[2], StandardOpenOption.APPEND);
    assertTrue(
        refused().startsWith(bin + ": the index counts 3 tokens but the file holds 4"), refused());
    Files.write(bin, new byte[6]);

    Files.write(idx, Arrays.copyOf(good, good.length - 1));
    assertTrue(refused().startsWith(idx + ": the index is truncated"), refused());
    Files.write(idx, Arrays.copyOf(good, 20));
    assertTrue(refused().startsWith(idx + ": this is not a Megatron index"), refused());
    damage(idx, good, 0, 'X');
    assertTrue(refused().startsWith(idx + ": this is not a Megatron index"), refused());
    damage(idx, good, 9, 2);
    assertTrue(refused().contains("version 1"), refused());
    damage(idx, good, 17, 6);
    assertTrue(refused().startsWith(idx + ": the dtype code 6"), refused());
    damage(idx, good, 34 + 3, 0x80); // a negative length
    assertTrue(refused().startsWith(idx + ": sequence 0"), refused());
    damage(idx, good, 34 + 8 + 8, 6); // where the second sequence begins
    assertTrue(refused().startsWith(idx + ": sequence 1"), refused());
    damage(idx, good, 34 + 8 + 16 + 16, 1); // where the last document ends
    assertTrue(refused().startsWith(idx + ": the documents do not cover"), refused());
    damage(idx, good, 25, 0x7F); // far more sequences than the file has
    assertTrue(refused().startsWith(idx + ": the index is truncated"), refused());
    Files.write(idx, good);
    IndexedDataset.open(prefix).close();
  }

  private static void damage(Path file, byte[] good, int at, int value) throws IOException {
    byte[] bytes = good.clone();
    bytes[at] = (byte) value;
    Files.write(file, bytes);
  }

  @Test
  void aMaskOfAnotherShapeIsRefused() throws IOException {
    writeMasked();
    Path mask = prefix.resolveSibling("text.loss_mask.idx");
    byte[] kept = Files.readAllBytes(mask);
    byte[] bin = Files.readAllBytes(prefix.resolveSibling("text.loss_mask.bin"));
    write(List.of(new int[] {1, 2}, new int[] {3, 4, 5, 6}), 10);
    Files.write(mask, kept);
    Files.write(prefix.resolveSibling("text.loss_mask.bin"), bin);
    assertTrue(refused().startsWith(mask + ": the loss mask does not fit"), refused());
  }
}
