package dev.graft.cli;

import static com.tngtech.archunit.base.DescribedPredicate.describe;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.fields;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.library.GeneralCodingRules;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** The arrows of docs/architecture.md, read from its table and checked on the compiled classes. */
class ArchitectureTest {
  /** A Maven module, and which of the project's rooms a room in it may depend on. */
  private record Room(String wing, Set<String> maySee) {}

  private static final Pattern ROW =
      Pattern.compile("(?m)^\\| *(\\w*) *\\| `(\\w+)` \\|.*\\| ([^|]+?) *\\|$");

  private static final Pattern ROOM = Pattern.compile("dev\\.graft\\.([a-z]+).*");

  private static final String BANNED_NAMES =
      ".*\\b(utils?|commons?|core|managers?|helpers?|misc)\\b.*";

  private static final Map<String, Room> HOUSE = house();

  private static final JavaClasses CLASSES =
      new ClassFileImporter()
          .withImportOption(new ImportOption.DoNotIncludeTests())
          .importPackages("dev.graft");

  /** The rows of the table: wing (empty: as above), room, what is inside, what it may see. */
  private static Map<String, Room> house() {
    Map<String, Room> house = new LinkedHashMap<>();
    String wing = "";
    for (MatchResult row : ROW.matcher(Project.read("docs/architecture.md")).results().toList()) {
      wing = row.group(1).isEmpty() ? wing : row.group(1);
      Set<String> maySee = new TreeSet<>(Arrays.asList(row.group(3).split(", ", -1)));
      house.put(row.group(2), new Room(wing, maySee));
    }
    return house;
  }

  /** The package below {@code dev.graft}; empty for a class of somebody else. */
  private static String roomOf(JavaClass type) {
    Matcher matcher = ROOM.matcher(type.getPackageName());
    return matcher.matches() ? matcher.group(1) : "";
  }

  private static Set<String> existingRooms() {
    return CLASSES.stream()
        .map(ArchitectureTest::roomOf)
        .collect(Collectors.toCollection(TreeSet::new));
  }

  @Test
  void everyWingIsLookedAt() {
    Set<String> wings =
        existingRooms().stream()
            .filter(HOUSE::containsKey)
            .map(room -> HOUSE.get(room).wing())
            .collect(Collectors.toCollection(TreeSet::new));
    assertEquals(
        Set.of("cli", "engine", "evaluate", "model", "plan", "report", "serve", "spark", "train"),
        wings);
  }

  @Test
  void everyRoomIsKnownAndInItsWing() {
    for (JavaClass type : CLASSES) {
      Room room = HOUSE.get(roomOf(type));
      assertTrue(
          room != null,
          () ->
              type.getName() + " is in a room that neither this test nor docs/architecture.md has");
      URI source = type.getSource().orElseThrow().getUri();
      assertTrue(
          source.toString().contains("/" + room.wing() + "/target/"),
          () -> type.getName() + " belongs to the wing " + room.wing() + ", not to " + source);
    }
  }

  @Test
  void roomsSeeOnlyWhatTheDrawingAllows() {
    HOUSE.forEach((name, room) -> {
      DescribedPredicate<JavaClass> forbidden =
          describe(
              "are in a room other than " + new TreeSet<>(room.maySee()),
              type ->
                  !roomOf(type).isEmpty()
                      && !roomOf(type).equals(name)
                      && !room.maySee().contains("all")
                      && !room.maySee().contains(roomOf(type)));
      noClasses()
          .that()
          .resideInAPackage("dev.graft." + name + "..")
          .should()
          .dependOnClassesThat(forbidden)
          .allowEmptyShould(true)
          .check(CLASSES);
    });
  }

  @Test
  void roomsHaveNoCycles() {
    slices().matching("dev.graft.(*)..").should().beFreeOfCycles().check(CLASSES);
  }

  @Test
  void everyRoomOfThePageExistsAndIsDrawn() {
    assertEquals(existingRooms(), new TreeSet<>(HOUSE.keySet()));
    Matcher drawing =
        Pattern.compile("```(.*?)```", Pattern.DOTALL)
            .matcher(Project.read("docs/architecture.md"));
    assertTrue(drawing.find());
    for (String name : HOUSE.keySet()) {
      assertTrue(
          Pattern.compile("\\b" + name + "\\b").matcher(drawing.group(1)).find(),
          () -> "the drawing in docs/architecture.md lacks the room " + name);
    }
  }

  @Test
  void aLibraryIsUsedWhereItsWallsAre() {
    onlyIn("org.bytedeco..", "network", "routing", "loop", "parallel", "profile");
    onlyIn("ai.djl..", "text");
    onlyIn("com.github.luben.zstd..", "text");
    onlyIn("com.google.protobuf..", "tensorboard");
    onlyIn("tools.jackson.dataformat.yaml..", "loop", "cluster", "task");
    onlyIn("tools.jackson.dataformat.csv..", "data");
    onlyIn("org.apache.commons.rng..", "task");
    onlyIn("picocli..", "cli");
    onlyIn("org.apache.spark..", "spark");
    onlyIn("scala..", "spark");
    onlyIn("me.tongfei..", "cli");
  }

  private static void onlyIn(String library, String... rooms) {
    Set<String> allowed = Set.of(rooms);
    noClasses()
        .that(describe("are not in " + allowed, type -> !allowed.contains(roomOf(type))))
        .should()
        .dependOnClassesThat(resideInAPackage(library))
        .check(CLASSES);
  }

  @Test
  void onlyMainEndsTheProcess() {
    noClasses()
        .that()
        .doNotHaveFullyQualifiedName(Main.class.getName())
        .and()
        .doNotHaveFullyQualifiedName("dev.graft.spark.SparkLaunch") // another process's main class
        .should()
        .callMethod(System.class, "exit", int.class)
        .orShould()
        .callMethod(Runtime.class, "exit", int.class)
        .check(CLASSES);
    // Only halting gives a process that is going down on a signal another exit code, and ends one
    // whose native threads wait for a rank that is lost.
    noClasses()
        .that()
        .doNotHaveFullyQualifiedName(SaveOnTermination.class.getName())
        .and()
        .doNotHaveFullyQualifiedName(TrainingRank.class.getName())
        .should()
        .callMethod(Runtime.class, "halt", int.class)
        .check(CLASSES);
  }

  @Test
  void onlyTheCommandLinePrints() {
    noClasses()
        .that()
        .resideOutsideOfPackage("dev.graft.cli..")
        .and()
        .doNotHaveFullyQualifiedName("dev.graft.spark.SparkLaunch")
        .should(GeneralCodingRules.ACCESS_STANDARD_STREAMS)
        .check(CLASSES);
  }

  @Test
  void noStaticStateChanges() {
    fields().that().areStatic().should().beFinal().check(CLASSES);
  }

  /** Reading either kind of stream can run code that the file brings. */
  @Test
  void nothingIsPickledOrSerialized() {
    noClasses()
        .should()
        .dependOnClassesThat()
        .haveFullyQualifiedName("java.io.ObjectInputStream")
        .orShould()
        .dependOnClassesThat()
        .haveFullyQualifiedName("java.io.ObjectOutputStream")
        .orShould()
        .callMethodWhere(
            describe(
                "a pickle is read or written",
                call -> call.getTarget().getName().matches("pickle_(load|save)(_.*)?")))
        .check(CLASSES);
  }

  @Test
  void namesSayWhatIsInside() {
    for (JavaClass type : CLASSES) {
      assertFalse(type.getPackageName().matches(BANNED_NAMES), type::getName);
      assertTrue(!type.getSimpleName().matches(".*(Util|Utils|Helper|Manager)"), type::getName);
    }
  }

  @Test
  void modulesAreTheWings() throws IOException {
    try (Stream<Path> folders = Files.list(Project.root())) {
      Set<String> modules =
          folders
              .filter(folder -> Files.exists(folder.resolve("pom.xml")))
              .map(folder -> folder.getFileName().toString())
              .collect(Collectors.toCollection(TreeSet::new));
      Set<String> wings =
          HOUSE.values().stream().map(Room::wing).collect(Collectors.toCollection(TreeSet::new));
      assertEquals(wings, modules);
    }
  }
}
