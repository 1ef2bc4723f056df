"""One story as press offices of many countries write it: labels, datelines, embargoes, end marks.

The texts are made up for this project and free for any use (CC0). Each language's office has its
own way: who is quoted, what stands where, is what is usual there.
"""

from __future__ import annotations

from dataclasses import dataclass

from tests.release.making import Blocks


@dataclass(frozen=True, slots=True)
class Story:
    """A release in one language. `top` is the line above the headline, `held` an embargo line;
    `script` is the one that a PDF's face must have."""

    language: str
    label: str
    held: str
    headline: str
    city: str
    dateline: str
    lead: str
    quote: str
    end: str
    about: str
    boilerplate: str
    contact: str
    person: str
    script: str = "LATIN"

    def blocks(self, *, held: bool = False) -> Blocks:
        """The release block by block; `held` under an embargo."""
        sign = " " if self.dateline[-1] in "：—" else " – "
        return [
            *([("text", self.held)] if held else []),
            ("text", self.label),
            ("title", self.headline),
            ("text", f"{self.dateline}{sign}{self.lead}"),
            ("text", self.quote),
            ("text", self.end),
            ("heading", self.about),
            ("text", self.boilerplate),
            ("heading", self.contact),
            ("text", f"{self.person}\npress@water.example\n+32 2 555 01 40"),
        ]


STORIES = [
    Story(
        "en",
        "PRESS RELEASE",
        "EMBARGOED UNTIL Monday, 9 November 2026, 10:00 CET",
        "Twelve Gauges Watch the River Day and Night",
        "Dublin",
        "DUBLIN, 9 November 2026",
        "The River Authority has put twelve gauges into the Liffey, and all of them have reported "
        "the height of the water every five minutes since this morning.",
        "“We see a flood two hours sooner,” said Maeve Brennan, director of the River Authority.",
        "ENDS",
        "About the River Authority",
        "The River Authority has looked after the rivers of the county since 1934.",
        "Media contact:",
        "Sean Doyle",
    ),
    Story(
        "de",
        "PRESSEMITTEILUNG",
        "SPERRFRIST: Montag, 9. November 2026, 10.00 Uhr MEZ",
        "Zwölf Pegel bewachen den Fluss bei Tag und Nacht",
        "Kassel",
        "Kassel, 9. November 2026",
        "Der Flussverband hat zwölf Pegel in die Fulda gesetzt, die seit heute früh alle fünf "
        "Minuten melden, wie hoch das Wasser steht.",
        "„Wir sehen ein Hochwasser zwei Stunden früher“, sagte Maren Ostertag, Vorsteherin des "
        "Flussverbands.",
        "ENDE",
        "Über den Flussverband",
        "Der Flussverband pflegt seit 1934 die Gewässer des Kreises.",
        "Pressekontakt:",
        "Jonas Wiegand",
    ),
    Story(
        "fr",
        "COMMUNIQUÉ DE PRESSE",
        "SOUS EMBARGO jusqu’au lundi 9 novembre 2026 à 10 h 00 (heure de Bruxelles)",
        "Douze balises surveillent la rivière jour et nuit",
        "Huy",
        "Huy, le 9 novembre 2026",
        "Le Syndicat des rivières a installé douze balises dans la Meuse ; elles indiquent depuis "
        "ce matin la hauteur de l’eau toutes les cinq minutes.",
        "« Nous voyons une crue deux heures plus tôt », a déclaré Claire Noirot, présidente du "
        "Syndicat des rivières.",
        "- FIN -",
        "À propos du Syndicat des rivières",
        "Le Syndicat des rivières entretient les cours d’eau de la province depuis 1934.",
        "Contact presse :",
        "Luc Petit",
    ),
    Story(
        "es",
        "NOTA DE PRENSA",
        "EMBARGADO hasta el lunes 9 de noviembre de 2026 a las 10:00 h CET",
        "Doce sensores vigilan el río de día y de noche",
        "Zaragoza",
        "Zaragoza, 9 de noviembre de 2026",
        "La Agencia de los Ríos ha instalado doce sensores en el Ebro, que desde esta mañana "
        "informan de la altura del agua cada cinco minutos.",
        "«Vemos una crecida dos horas antes», dijo Pilar Aznar, directora de la Agencia de los "
        "Ríos.",
        "- FIN -",
        "Sobre la Agencia de los Ríos",
        "La Agencia de los Ríos cuida los ríos de la provincia desde 1934.",
        "Contacto de prensa:",
        "Jorge Lanuza",
    ),
    Story(
        "it",
        "COMUNICATO STAMPA",
        "SOTTO EMBARGO fino a lunedì 9 novembre 2026, ore 10:00 CET",
        "Dodici sensori sorvegliano il fiume giorno e notte",
        "Mantova",
        "Mantova, 9 novembre 2026",
        "Il Consorzio dei fiumi ha messo dodici sensori nel Mincio, che da questa mattina "
        "comunicano ogni cinque minuti il livello dell’acqua.",
        "«Vediamo una piena due ore prima», ha detto Paola Ferri, presidente del Consorzio dei "
        "fiumi.",
        "FINE",
        "Informazioni sul Consorzio dei fiumi",
        "Il Consorzio dei fiumi cura i corsi d’acqua della provincia dal 1934.",
        "Ufficio stampa:",
        "Marco Riva",
    ),
    Story(
        "pt",
        "COMUNICADO DE IMPRENSA",
        "EMBARGO até segunda-feira, 9 de novembro de 2026, 10:00 WET",
        "Doze sensores vigiam o rio de dia e de noite",
        "Coimbra",
        "Coimbra, 9 de novembro de 2026",
        "A Agência dos Rios instalou doze sensores no Mondego, que desde esta manhã comunicam a "
        "altura da água de cinco em cinco minutos.",
        "«Vemos uma cheia duas horas mais cedo», disse Inês Tavares, diretora da Agência dos Rios.",
        "FIM",
        "Sobre a Agência dos Rios",
        "A Agência dos Rios cuida dos rios do distrito desde 1934.",
        "Contacto para a imprensa:",
        "Rui Prata",
    ),
    Story(
        "nl",
        "PERSBERICHT",
        "EMBARGO tot maandag 9 november 2026, 10.00 uur CET",
        "Twaalf peilen bewaken de rivier dag en nacht",
        "Venlo",
        "Venlo, 9 november 2026",
        "Het Rivierschap heeft twaalf peilen in de Maas geplaatst, die sinds vanmorgen om de vijf "
        "minuten doorgeven hoe hoog het water staat.",
        "“Wij zien een overstroming twee uur eerder”, zei Marijke Smeets, directeur van het "
        "Rivierschap.",
        "EINDE PERSBERICHT",
        "Over het Rivierschap",
        "Het Rivierschap zorgt sinds 1934 voor de rivieren van de provincie.",
        "Perscontact:",
        "Bas Hendriks",
    ),
    Story(
        "pl",
        "INFORMACJA PRASOWA",
        "EMBARGO do poniedziałku 9 listopada 2026, godz. 10:00 CET",
        "Dwanaście wodowskazów strzeże rzeki dniem i nocą",
        "Toruń",
        "Toruń, 9 listopada 2026 r.",
        "Zarząd Rzek ustawił na Drwęcy dwanaście wodowskazów, które od dzisiejszego rana co pięć "
        "minut podają wysokość wody.",
        "„Widzimy powódź dwie godziny wcześniej”, powiedziała Ewa Lis, dyrektorka Zarządu Rzek.",
        "KONIEC",
        "O Zarządzie Rzek",
        "Zarząd Rzek dba o rzeki województwa od 1934 roku.",
        "Kontakt dla mediów:",
        "Piotr Sowa",
    ),
    Story(
        "cs",
        "TISKOVÁ ZPRÁVA",
        "EMBARGO do pondělí 9. listopadu 2026, 10:00 SEČ",
        "Dvanáct vodočtů hlídá řeku ve dne v noci",
        "Olomouc",
        "Olomouc, 9. listopadu 2026",
        "Správa řek osadila na Moravě dvanáct vodočtů, které od dnešního rána každých pět minut "
        "hlásí výšku hladiny.",
        "„Povodeň vidíme o dvě hodiny dřív,“ řekla Jana Dvořáková, ředitelka Správy řek.",
        "KONEC",
        "O Správě řek",
        "Správa řek pečuje o toky v kraji od roku 1934.",
        "Kontakt pro média:",
        "Petr Malý",
    ),
    Story(
        "sk",
        "TLAČOVÁ SPRÁVA",
        "EMBARGO do pondelka 9. novembra 2026, 10:00 SEČ",
        "Dvanásť vodočtov stráži rieku vo dne v noci",
        "Trenčín",
        "Trenčín 9. novembra 2026",
        "Správa riek osadila na Váhu dvanásť vodočtov, ktoré od dnešného rána každých päť minút "
        "hlásia výšku hladiny.",
        "„Povodeň vidíme o dve hodiny skôr,“ povedala Zuzana Krajčíová, riaditeľka Správy riek.",
        "KONIEC",
        "O Správe riek",
        "Správa riek sa stará o toky v kraji od roku 1934.",
        "Kontakt pre médiá:",
        "Martin Holub",
    ),
    Story(
        "sv",
        "PRESSMEDDELANDE",
        "EMBARGO till måndag 9 november 2026 kl. 10.00 CET",
        "Tolv mätare vakar över älven dag och natt",
        "Umeå",
        "Umeå den 9 november 2026",
        "Älvförbundet har satt tolv mätare i Umeälven, och de har sedan i morse rapporterat "
        "vattnets höjd var femte minut.",
        "”Vi ser en översvämning två timmar tidigare”, säger Karin Lund, chef för Älvförbundet.",
        "SLUT",
        "Om Älvförbundet",
        "Älvförbundet har tagit hand om länets älvar sedan 1934.",
        "Presskontakt:",
        "Nils Berg",
    ),
    Story(
        "da",
        "PRESSEMEDDELELSE",
        "EMBARGO til mandag den 9. november 2026 kl. 10.00 CET",
        "Tolv målere holder øje med åen dag og nat",
        "Odense",
        "Odense, den 9. november 2026",
        "Åforbundet har sat tolv målere i Odense Å, og de har siden i morges meldt vandets højde "
        "hvert femte minut.",
        "»Vi ser en oversvømmelse to timer før,« siger Mette Holm, leder af Åforbundet.",
        "SLUT",
        "Om Åforbundet",
        "Åforbundet har passet amtets åer siden 1934.",
        "Pressekontakt:",
        "Lars Dam",
    ),
    Story(
        "nb",
        "PRESSEMELDING",
        "SPERREFRIST mandag 9. november 2026 kl. 10.00 CET",
        "Tolv målere vokter elva dag og natt",
        "Drammen",
        "Drammen, 9. november 2026",
        "Elveforbundet har satt tolv målere i Drammenselva, og de har siden i morges meldt hvor "
        "høyt vannet står hvert femte minutt.",
        "«Vi ser en flom to timer tidligere», sier Ingrid Moen, leder for Elveforbundet.",
        "SLUTT",
        "Om Elveforbundet",
        "Elveforbundet har tatt vare på elvene i fylket siden 1934.",
        "Pressekontakt:",
        "Ola Lie",
    ),
    Story(
        "fi",
        "LEHDISTÖTIEDOTE",
        "EMBARGO maanantaihin 9. marraskuuta 2026 klo 10.00 EET",
        "Kaksitoista mittaria vartioi jokea yötä päivää",
        "Oulu",
        "Oulu 9. marraskuuta 2026",
        "Jokiliitto on asentanut Oulujokeen kaksitoista mittaria, jotka ovat aamusta lähtien "
        "kertoneet veden korkeuden viiden minuutin välein.",
        "”Näemme tulvan kaksi tuntia aiemmin”, sanoo Aino Salmi, Jokiliiton johtaja.",
        "LOPPU",
        "Tietoa Jokiliitosta",
        "Jokiliitto on hoitanut maakunnan jokia vuodesta 1934 ja se on kuntien yhteinen.",
        "Yhteystiedot medialle:",
        "Ville Koski",
    ),
    Story(
        "hu",
        "SAJTÓKÖZLEMÉNY",
        "EMBARGÓ: 2026. november 9., hétfő, 10:00 CET",
        "Tizenkét vízmérce őrzi a folyót éjjel-nappal",
        "Szeged",
        "Szeged, 2026. november 9.",
        "A Folyók Hivatala tizenkét vízmércét állított a Tiszába, és azok ma reggel óta "
        "ötpercenként jelentik, hogy milyen magas a víz.",
        "„Két órával korábban látjuk az árvizet” – mondta Kovács Anna, a Folyók Hivatala vezetője.",
        "VÉGE",
        "A Folyók Hivataláról",
        "A Folyók Hivatala 1934 óta gondozza a megye folyóit.",
        "Sajtókapcsolat:",
        "Nagy Péter",
    ),
    Story(
        "ro",
        "COMUNICAT DE PRESĂ",
        "EMBARGO până luni, 9 noiembrie 2026, ora 10:00 EET",
        "Douăsprezece mire veghează râul zi și noapte",
        "Cluj-Napoca",
        "Cluj-Napoca, 9 noiembrie 2026",
        "Agenția Râurilor a pus în Someș douăsprezece mire, care de azi-dimineață arată la fiecare "
        "cinci minute înălțimea apei.",
        "„Vedem o viitură cu două ore mai devreme”, a spus Ioana Pop, directoarea Agenției "
        "Râurilor.",
        "SFÂRȘIT",
        "Despre Agenția Râurilor",
        "Agenția Râurilor are grijă de râurile județului din 1934.",
        "Contact de presă:",
        "Radu Ilie",
    ),
    Story(
        "tr",
        "BASIN BÜLTENİ",
        "AMBARGO: 9 Kasım 2026 Pazartesi, saat 10:00 (İstanbul saati)",
        "On iki ölçer nehri gece gündüz izliyor",
        "Edirne",
        "Edirne, 9 Kasım 2026",
        "Nehirler Kurumu Meriç için on iki ölçer kurdu ve bu ölçerler bu sabahtan beri her beş "
        "dakikada bir suyun yüksekliğini bildiriyor.",
        "“Taşkını iki saat önce görüyoruz” dedi Nehirler Kurumu Başkanı Elif Aydın.",
        "SON",
        "Nehirler Kurumu Hakkında",
        "Nehirler Kurumu 1934 yılından beri ilin nehirlerine bakıyor.",
        "Basın iletişim:",
        "Murat Kaya",
    ),
    Story(
        "hr",
        "PRIOPĆENJE ZA MEDIJE",
        "EMBARGO do ponedjeljka 9. studenoga 2026. u 10:00 CET",
        "Dvanaest vodomjera čuva rijeku danju i noću",
        "Sisak",
        "Sisak, 9. studenoga 2026.",
        "Ured za rijeke postavio je na Kupi dvanaest vodomjera koji od jutros svakih pet minuta "
        "javljaju visinu vode.",
        "„Poplavu vidimo dva sata ranije”, rekla je Ana Horvat, ravnateljica Ureda za rijeke.",
        "KRAJ",
        "O Uredu za rijeke",
        "Ured za rijeke brine se za rijeke u županiji od 1934.",
        "Kontakt za medije:",
        "Ivan Babić",
    ),
    Story(
        "lt",
        "PRANEŠIMAS SPAUDAI",
        "EMBARGAS iki 2026-11-09 10:00 EET",
        "Dvylika matuoklių saugo upę dieną ir naktį",
        "Kaunas",
        "Kaunas, 2026-11-09",
        "Upių tarnyba Neryje įrengė dvylika matuoklių, kurie nuo šio ryto kas penkias minutes "
        "praneša, kaip pakilo vanduo, ir tai yra nauja.",
        "„Potvynį matome dviem valandomis anksčiau“, – sakė Rūta Kazlauskienė, Upių tarnybos "
        "vadovė.",
        "PABAIGA",
        "Apie Upių tarnybą",
        "Upių tarnyba rūpinasi apskrities upėmis nuo 1934 metų.",
        "Kontaktai žiniasklaidai:",
        "Jonas Petraitis",
    ),
    Story(
        "el",
        "ΔΕΛΤΙΟ ΤΥΠΟΥ",
        "ΕΜΠΑΡΓΚΟ έως τη Δευτέρα 9 Νοεμβρίου 2026, ώρα 10:00 EET",
        "Δώδεκα σταθμοί φυλάνε το ποτάμι μέρα και νύχτα",
        "Λάρισα",
        "Λάρισα, 9 Νοεμβρίου 2026",
        "Η Υπηρεσία Ποταμών τοποθέτησε δώδεκα σταθμούς στον Πηνειό, που από σήμερα το πρωί "
        "αναφέρουν κάθε πέντε λεπτά το ύψος του νερού.",
        "«Βλέπουμε μια πλημμύρα δύο ώρες νωρίτερα», είπε η Ελένη Παππά, διευθύντρια της Υπηρεσίας.",
        "ΤΕΛΟΣ",
        "Σχετικά με την Υπηρεσία Ποταμών",
        "Η Υπηρεσία Ποταμών φροντίζει τα ποτάμια του νομού από το 1934.",
        "Επικοινωνία για τον τύπο:",
        "Νίκος Ράλλης",
    ),
    Story(
        "ru",
        "ПРЕСС-РЕЛИЗ",
        "ЭМБАРГО до понедельника, 9 ноября 2026 года, 10:00 МСК",
        "Двенадцать водомеров следят за рекой днём и ночью",
        "Тверь",
        "Тверь, 9 ноября 2026 г.",
        "Речное управление поставило на Волге двенадцать водомеров, и с сегодняшнего утра они "
        "каждые пять минут сообщают, как высоко стоит вода.",
        "«Мы видим паводок на два часа раньше», – сказала Анна Белова, директор управления.",
        "КОНЕЦ",
        "О Речном управлении",
        "Речное управление заботится о реках области с 1934 года.",
        "Контакты для прессы:",
        "Иван Орлов",
    ),
    Story(
        "uk",
        "ПРЕСРЕЛІЗ",
        "ЕМБАРГО до понеділка, 9 листопада 2026 року, 10:00 за Києвом",
        "Дванадцять водомірів стежать за річкою вдень і вночі",
        "Чернігів",
        "Чернігів, 9 листопада 2026 року",
        "Річкове управління поставило на Десні дванадцять водомірів, і від сьогоднішнього ранку "
        "вони щоп’ять хвилин повідомляють, як високо стоїть вода.",
        "«Ми бачимо повінь на дві години раніше», – сказала Оксана Бойко, директорка Річкового "
        "управління.",
        "КІНЕЦЬ",
        "Про Річкове управління",
        "Річкове управління дбає про річки області з 1934 року.",
        "Контакти для медіа:",
        "Андрій Коваль",
    ),
    Story(
        "bg",
        "ПРЕССЪОБЩЕНИЕ",
        "ЕМБАРГО до понеделник, 9 ноември 2026 г., 10:00 EET",
        "Дванадесет водомера пазят реката денем и нощем",
        "Пловдив",
        "Пловдив, 9 ноември 2026 г.",
        "Агенцията за реките постави в Марица дванадесет водомера, които от тази сутрин на всеки "
        "пет минути съобщават колко е висока водата и това не се е случвало досега.",
        "„Виждаме наводнението два часа по-рано“, каза Мария Петрова, директор на Агенцията за "
        "реките.",
        "КРАЙ",
        "За Агенцията за реките",
        "Агенцията за реките се грижи за реките в областта от 1934 година.",
        "Контакти за медиите:",
        "Георги Илиев",
    ),
    Story(
        "he",
        "הודעה לעיתונות",
        "אמברגו עד יום שני, 9 בנובמבר 2026, 10:00 שעון ישראל",
        "שנים עשר מדים שומרים על הנהר יומם ולילה",
        "חיפה",
        "חיפה, 9 בנובמבר 2026",
        "רשות הנחלים הציבה בקישון שנים עשר מדים, ומאז הבוקר הם מדווחים כל חמש דקות על גובה המים "
        "בכל אחת מן התחנות שלאורך הנחל.",
        '"אנחנו רואים שיטפון שעתיים מוקדם יותר", אמרה נועה לוי, מנהלת רשות הנחלים.',
        "סוף",
        "אודות רשות הנחלים",
        "רשות הנחלים מטפלת בנחלי המחוז מאז 1934.",
        "איש קשר לתקשורת:",
        "דן כהן",
        "HEBREW",
    ),
    Story(
        "ar",
        "بيان صحفي",
        "حظر النشر حتى الاثنين 9 نوفمبر 2026 الساعة 10:00 بتوقيت بيروت",
        "اثنا عشر مقياساً تحرس النهر ليلاً ونهاراً",
        "بيروت",
        "بيروت، 9 نوفمبر 2026",
        "وضعت هيئة الأنهار اثني عشر مقياساً في نهر الليطاني، وهي تعلن منذ صباح اليوم ارتفاع المياه "
        "كل خمس دقائق في جميع المحطات على ضفاف النهر.",
        "قالت ليلى حداد، مديرة هيئة الأنهار: «نرى الفيضان قبل ساعتين».",
        "انتهى",
        "نبذة عن هيئة الأنهار",
        "تعنى هيئة الأنهار بأنهار المحافظة منذ عام 1934.",
        "للتواصل الإعلامي:",
        "سامي خوري",
        "ARABIC",
    ),
    Story(
        "ja",
        "報道資料",
        "解禁日時：2026年11月9日（月）午前10時（日本時間）",
        "十二の水位計が昼も夜も川を見守る",
        "長野",
        "長野、2026年11月9日",
        "河川管理局は千曲川に十二の水位計を設置し、今朝から五分ごとに水の高さを知らせている。"
        "値はその日のうちに誰でも見ることができる。",
        "「洪水を二時間早く知ることができる」と河川管理局の佐藤恵局長は述べた。",
        "以上",
        "河川管理局について",
        "河川管理局は1934年から県内の川を守っている。",
        "報道関係お問い合わせ先：",
        "田中一郎",
        "CJK",
    ),
    Story(
        "zh",
        "新闻稿",
        "禁止发布至：2026年11月9日上午10时（北京时间）",
        "十二座水位站日夜守护河流",
        "武汉",
        "武汉，2026年11月9日",
        "河流管理局在汉江设置了十二座水位站，从今天早上起每五分钟报告一次水位，"
        "所有数据当天即可在网上查阅，任何人都可以自由使用。",
        "河流管理局局长王丽说：“我们可以提前两小时发现洪水。”",
        "完",
        "关于河流管理局",
        "河流管理局自1934年起管理全省的河流。",
        "媒体联系人：",
        "李明",
        "CJK",
    ),
    Story(
        "ko",
        "보도자료",
        "엠바고: 2026년 11월 9일 월요일 오전 10시 (한국시간)",
        "열두 개의 수위계가 밤낮으로 강을 지킨다",
        "대전",
        "대전, 2026년 11월 9일",
        "하천관리청은 금강에 열두 개의 수위계를 설치했으며, 오늘 아침부터 오 분마다 물의 높이를 "
        "알리고 있고 그 값은 누구나 바로 볼 수 있다.",
        "“홍수를 두 시간 먼저 알 수 있다”고 김민지 하천관리청장은 말했다.",
        "끝",
        "하천관리청 소개",
        "하천관리청은 1934년부터 도내의 강을 돌보고 있다.",
        "언론 문의:",
        "박준호",
        "CJK",
    ),
]
