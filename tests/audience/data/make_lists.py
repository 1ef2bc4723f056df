#!/usr/bin/env python3
# Kept as it came, so that the same arguments go on giving the same bytes.
# ruff: noqa
# fmt: off
"""Write synthetic lists of journalists, with the defects real lists have.

    make_lists.py --count N --seed S --out FILE.csv [--dialect D] [--truth FILE]
    make_lists.py --samples FOLDER

Every person, outlet and address is invented. Every address, even a broken one,
stays inside example.com, example.org or example.net. The same arguments give
the same bytes. Standard library only. README.md describes columns and defects.
"""
import argparse
import csv
import datetime
import os
import random
import sys
import unicodedata

COLUMNS = ["email", "first_name", "last_name", "outlet", "outlet_type", "beats",
           "country", "language", "timezone", "consent_basis", "source",
           "source_date", "notes"]

# name: (encoding, byte order mark, delimiter, line end)
DIALECTS = {
    "utf8": ("utf-8", b"", ",", "\n"),
    "utf8-bom": ("utf-8", b"\xef\xbb\xbf", ",", "\r\n"),
    "excel-eu": ("cp1252", b"", ";", "\r\n"),
    "excel-pl": ("cp1250", b"", ";", "\r\n"),
    "utf16": ("utf-16-le", b"\xff\xfe", "\t", "\r\n"),
}

# Share of each defect among all rows. A row has at most one of these.
DEFECTS = [
    ("dup_case", 0.015), ("dup_exact", 0.009), ("dup_space", 0.003),
    ("dup_idn_form", 0.001), ("dup_conflict", 0.002),
    ("invalid_address", 0.020), ("empty_address", 0.005),
    ("repairable_address", 0.015),
    ("no_first_name", 0.030), ("no_last_name", 0.015), ("no_name", 0.010),
    ("swapped_names", 0.010), ("full_name_in_last", 0.010),
    ("comma_name", 0.005), ("caps_name", 0.010),
    ("mojibake_name", 0.008), ("decomposed_name", 0.005),
    ("invisible_characters", 0.004),
    ("objected", 0.007), ("withdrawn", 0.004), ("removal_in_notes", 0.002),
    ("no_consent", 0.010), ("bought_list", 0.008),
    ("no_timezone", 0.030), ("bad_timezone", 0.008), ("old_timezone", 0.005),
    ("bad_country", 0.004), ("bad_language", 0.005),
    ("multiline_notes", 0.006), ("ragged_row", 0.001),
    ("formula", 0.0010), ("markup", 0.0005), ("header_injection", 0.0005),
]

# code, names of the country, weight, languages, zones, first names, last names.
# A name in another script stands as native/latin; _ stands for a space.
COUNTRIES = [
    ("PL", "Poland|Polska", 90, "pl", "Europe/Warsaw",
     "Anna Jan Katarzyna Piotr Małgorzata Krzysztof Agnieszka Tomasz Łukasz Świętosława Paweł Zofia Żaneta Michał Grażyna Stanisław",
     "Nowak Kowalski Wiśniewska Wójcik Kamiński Lewandowska Zieliński Szymańska Woźniak Dąbrowski Kozłowska Jankowska-Żak Mazur Krawczyk Piotrowska Grabowski Pawłowski Śliwińska Brzęczyszczykiewicz Łącka"),
    ("DE", "Germany|Deutschland", 80, "de", "Europe/Berlin",
     "Anja Jürgen Käthe Björn Sabine Matthias Jörg Lena Hans-Peter Günther Aylin Mustafa Renate Sören Franziska",
     "Müller Schmidt Weiß Groß Schäfer Köhler Hoffmann von_der_Heide Öztürk Strauß Krüger Jäger Böhm zu_Löwenstein Schulze-Marmeling Yılmaz Brandt Lüdtke"),
    ("FR", "France|France", 70, "fr", "Europe/Paris",
     "Émilie François Chloé Jean-Baptiste Aurélie Loïc Hélène Gaëlle Noël Thérèse Mathieu Aïcha Cédric Zoé",
     "Lefèvre Dupont Moreau d'Aubigné Le_Goff Gauthier Béranger N'Diaye L'Hermite Garçon Châtelain Benoît de_La_Tour Œuvrard Roux Bâ"),
    ("GB", "United Kingdom|UK", 70, "en", "Europe/London",
     "Siân Oliver Priya Rhys Charlotte Nigel Aoife Callum Zainab Edward Olamide Fiona",
     "O'Brien Smith MacDonald Llewellyn Patel O’Neill Featherstonehaugh Khan St._John Okonkwo Hughes-Jones Ng Williams D'Arcy"),
    ("US", "United States|USA", 90, "en", "America/New_York|America/Chicago|America/Denver|America/Los_Angeles",
     "Jessica Michael DeShawn María Emily Tyler Renée Nguyen Sarah Kwame José Brittany Zoë",
     "Johnson Garcia O'Connor Rodríguez Washington Lee van_Buren Kowalski Hernández Nguyen McAllister De_la_Cruz Goldberg Smith-Ramirez"),
    ("BE", "Belgium|België", 60, "nl|fr|en", "Europe/Brussels",
     "Liesbeth Joris Annelies Benoît Fleur Wouter Élodie Tom Veerle Noémie",
     "Peeters Janssens Van_den_Broeck Dubois De_Smet Claes D'hondt Lambert Vandenberghe Maes"),
    ("NL", "Netherlands|Nederland", 35, "nl", "Europe/Amsterdam",
     "Sanne Jeroen Anouk Daan Fenna Bram Noa Joost Eefje",
     "de_Vries van_der_Berg Jansen 't_Hooft Bakker van_'t_Veer Visser Smit de_Jong IJsbrand"),
    ("ES", "Spain|España", 45, "es|ca", "Europe/Madrid|Atlantic/Canary",
     "María José Íñigo Núria Begoña Jesús Ángela Martí Montserrat Iñaki",
     "García Núñez Peña Ibáñez Castellà Güell Muñoz Etxeberria López_de_Haro Àlvarez Puig Roldán"),
    ("IT", "Italy|Italia", 45, "it", "Europe/Rome",
     "Nicolò Giulia Alessandro Chiara Giosuè Francesca Niccolò Ilaria Pietro",
     "Rossi D'Angelo De_Luca Esposito Dell'Acqua Ferrari Lo_Piccolo Cantù Bianchi Nardò"),
    ("PT", "Portugal|Portugal", 20, "pt", "Europe/Lisbon|Atlantic/Azores",
     "João Inês Gonçalo Mafalda Simão Conceição Rui Leonor",
     "Gonçalves Simões da_Conceição Araújo Magalhães Pereira dos_Santos Falcão"),
    ("IE", "Ireland|Éire", 18, "en|ga", "Europe/Dublin",
     "Seán Niamh Ciarán Sinéad Pádraig Gráinne Tadhg Órla",
     "Ó_Súilleabháin Murphy O'Dálaigh Kelly Ní_Bhriain McCarthy Byrne Mac_Giolla"),
    ("SE", "Sweden|Sverige", 28, "sv", "Europe/Stockholm",
     "Åsa Björn Märta Göran Elin Håkan Linnéa Örjan", "Lindström Åkesson Öberg Söderberg Andersson Sjögren Hägg Wallén"),
    ("DK", "Denmark|Danmark", 22, "da", "Europe/Copenhagen",
     "Søren Mette Jørgen Bjørk Kåre Signe Lærke Åge", "Sørensen Østergaard Nielsen Kjær Ågård Møller Højgaard Bæk"),
    ("NO", "Norway|Norge", 20, "nb", "Europe/Oslo",
     "Øystein Kari Håvard Ingrid Bård Åshild Pål Sølvi", "Hansen Ødegård Bråten Næss Solbakken Aas Kjærstad Moe"),
    ("FI", "Finland|Suomi", 20, "fi|sv", "Europe/Helsinki",
     "Päivi Jyrki Väinö Aino Säde Pekka Yrjö Hilkka", "Mäkinen Hämäläinen Korhonen Ylönen Nyström Järvinen Äyräväinen Öhman"),
    ("IS", "Iceland|Ísland", 6, "is", "Atlantic/Reykjavik",
     "Þóra Guðmundur Sigríður Ævar Björk Þorsteinn", "Jónsdóttir Þórðarson Guðmundsdóttir Ásgeirsson Ólafsdóttir Magnússon"),
    ("CZ", "Czechia|Česko", 28, "cs", "Europe/Prague",
     "Jiří Kateřina Zdeněk Šárka Ondřej Lenka Tomáš Žofie", "Novák Dvořáková Procházka Růžičková Kříž Šťastný Ježková Svěrák"),
    ("SK", "Slovakia|Slovensko", 18, "sk", "Europe/Bratislava",
     "Ľubomír Zuzana Matúš Božena Ľudmila Róbert Andrej Žofia", "Kováč Hudáčková Ďurica Horváthová Šimko Ľuptáková Tóth Vlček"),
    ("HU", "Hungary|Magyarország", 24, "hu", "Europe/Budapest",
     "Ágnes László Győző Réka Ödön Zsófia Gergő Dóra", "Nagy Kovács Szűcs Tóth Győrffy Hegedűs Őry Bíró"),
    ("RO", "Romania|România", 22, "ro", "Europe/Bucharest",
     "Ștefan Ioana Răzvan Măriuca Țvetana Andrei Crăița Ion", "Ionescu Țurcanu Popa Șerban Băsescu-Marin Dănilă Călinescu Rădulescu"),
    ("BG", "Bulgaria|България", 14, "bg", "Europe/Sofia",
     "Иван/Ivan Елена/Elena Георги/Georgi Мария/Mariya Димитър/Dimitar Ралица/Ralitsa",
     "Иванов/Ivanov Димитрова/Dimitrova Стоянов/Stoyanov Николова/Nikolova Жеков/Zhekov Щерева/Shtereva"),
    ("GR", "Greece|Ελλάδα", 22, "el", "Europe/Athens",
     "Ελένη/Eleni Γιώργος/Giorgos Κωνσταντίνος/Konstantinos Άννα/Anna Θεοδώρα/Theodora Σπύρος/Spyros",
     "Παπαδόπουλος/Papadopoulos Γεωργίου/Georgiou Χατζηδάκη/Chatzidaki Νικολαΐδης/Nikolaidis Βλάχος/Vlachos Αθανασίου/Athanasiou"),
    ("HR", "Croatia|Hrvatska", 12, "hr", "Europe/Zagreb",
     "Željko Ivana Đurđica Šime Ana Luka", "Horvat Marić Đorđević Šimić Babić Žanić"),
    ("RS", "Serbia|Србија", 12, "sr", "Europe/Belgrade",
     "Јелена/Jelena Милош/Miloš Ђорђе/Đorđe Љиљана/Ljiljana Никола/Nikola Цвета/Cveta",
     "Јовановић/Jovanović Петровић/Petrović Ђурић/Đurić Николић/Nikolić Живковић/Živković Његош/Njegoš"),
    ("UA", "Ukraine|Україна", 45, "uk", "Europe/Kyiv",
     "Олена/Olena Тарас/Taras Юлія/Yuliia Сергій/Serhii Ярослава/Yaroslava Ігор/Ihor Мар'яна/Mariana Євген/Yevhen",
     "Шевченко/Shevchenko Коваленко/Kovalenko Бондаренко/Bondarenko Ткачук/Tkachuk Прокоп'єв/Prokopiev Гриценко/Hrytsenko Мельник/Melnyk Щербак/Shcherbak Ґудзь/Gudz Їжакевич/Yizhakevych"),
    ("BY", "Belarus|Беларусь", 8, "be|ru", "Europe/Minsk",
     "Алесь/Ales Святлана/Sviatlana Янка/Yanka Вольга/Volha Ўладзімір/Uladzimir", "Каваленка/Kavalenka Быкаў/Bykau Жук/Zhuk Шчарбакоў/Shcharbakou Мацкевіч/Matskevich"),
    ("KZ", "Kazakhstan|Қазақстан", 14, "kk|ru", "Asia/Almaty|Asia/Aqtobe",
     "Айгүл/Aigul Нұрсұлтан/Nursultan Дәулет/Daulet Жанна/Zhanna Қанат/Qanat Әсел/Asel",
     "Омаров/Omarov Қасымова/Qasymova Жұмабаев/Zhumabayev Өтегенов/Otegenov Сейітова/Seitova Ахметов/Akhmetov"),
    ("GE", "Georgia|საქართველო", 8, "ka", "Asia/Tbilisi",
     "ნინო/Nino გიორგი/Giorgi თამარ/Tamar ლევან/Levan", "ბერიძე/Beridze კაპანაძე/Kapanadze ქავთარაძე/Kavtaradze ჯაფარიძე/Japaridze"),
    ("AM", "Armenia|Հայաստան", 7, "hy", "Asia/Yerevan",
     "Անի/Ani Արամ/Aram Լուսինե/Lusine Հայկ/Hayk", "Հակոբյան/Hakobyan Սարգսյան/Sargsyan Գրիգորյան/Grigoryan Պետրոսյան/Petrosyan"),
    ("TR", "Türkiye|Turkey", 28, "tr", "Europe/Istanbul",
     "Ayşe Çağlar İbrahim Işıl Gülşen Ömer Şule Uğur", "Yıldız Öztürk Çelik Şahin Doğan İnönü Kılıç Güneş"),
    ("IL", "Israel|ישראל", 20, "he|ar", "Asia/Jerusalem",
     "נועה/Noa יונתן/Yonatan תמר/Tamar אורי/Ori שירה/Shira דוד/David", "כהן/Cohen לוי/Levi מזרחי/Mizrahi פרץ/Peretz בן-דוד/Ben-David צ'רניחובסקי/Tchernichovsky"),
    ("EG", "Egypt|مصر", 18, "ar", "Africa/Cairo",
     "محمد/Mohamed فاطمة/Fatma أحمد/Ahmed نورهان/Nourhan خالد/Khaled", "المصري/El-Masry عبد_الرحمن/Abdel_Rahman حسن/Hassan الشناوي/El-Shenawy"),
    ("MA", "Morocco|المغرب", 12, "ar|fr", "Africa/Casablanca",
     "يوسف/Youssef Aïcha خديجة/Khadija Mehdi", "بنعلي/Benali El_Fassi العلوي/Alaoui Aït_Benhaddou"),
    ("IR", "Iran|ایران", 9, "fa", "Asia/Tehran",
     "زهرا/Zahra رضا/Reza شیرین/Shirin کیان/Kian", "حسینی/Hosseini رضایی/Rezaei کریمی/Karimi پورمحمدی/Pourmohammadi"),
    ("IN", "India|भारत", 45, "en|hi", "Asia/Kolkata",
     "प्रिया/Priya राहुल/Rahul Ananya सुनीता/Sunita Arjun Lakshmi Gurpreet", "शर्मा/Sharma Iyer सिंह/Singh Venkataramanan Banerjee D'Souza Krishnamurthy"),
    ("PK", "Pakistan|پاکستان", 10, "ur|en", "Asia/Karachi",
     "عائشہ/Ayesha علی/Ali Bilal صائمہ/Saima", "خان/Khan Qureshi حسین/Hussain Chaudhry"),
    ("JP", "Japan|日本", 35, "ja", "Asia/Tokyo",
     "美咲/Misaki 健太/Kenta 由美子/Yumiko 翔/Sho さくら/Sakura 大輔/Daisuke", "佐藤/Sato 鈴木/Suzuki 髙橋/Takahashi 渡邉/Watanabe 伊藤/Ito 山﨑/Yamazaki"),
    ("KR", "South Korea|대한민국", 24, "ko", "Asia/Seoul",
     "서연/Seo-yeon 민준/Min-jun 지우/Ji-woo 하은/Ha-eun 도윤/Do-yun", "김/Kim 이/Lee 박/Park 최/Choi 정/Jung"),
    ("CN", "China|中国", 24, "zh-Hans", "Asia/Shanghai",
     "伟/Wei 芳/Fang 娜/Na 秀英/Xiuying 敏/Min 静/Jing", "王/Wang 李/Li 张/Zhang 刘/Liu 陈/Chen 欧阳/Ouyang"),
    ("TW", "Taiwan|臺灣", 12, "zh-Hant", "Asia/Taipei",
     "怡君/Yi-chun 志明/Chih-ming 雅婷/Ya-ting 家豪/Chia-hao", "陳/Chen 林/Lin 黃/Huang 張簡/Changchien"),
    ("TH", "Thailand|ประเทศไทย", 10, "th", "Asia/Bangkok",
     "สมชาย/Somchai ณัฐธิดา/Natthida พิมพ์/Pim ธนากร/Thanakorn", "สุขใจ/Sukjai วงศ์สวัสดิ์/Wongsawat ศรีสุวรรณ/Srisuwan"),
    ("VN", "Viet Nam|Việt Nam", 12, "vi", "Asia/Ho_Chi_Minh",
     "Hương Đức Thảo Minh Quỳnh Dũng", "Nguyễn Trần Đặng Phạm Vũ Lê"),
    ("ID", "Indonesia|Indonesia", 18, "id", "Asia/Jakarta|Asia/Makassar|Asia/Jayapura",
     "- Budi Siti - Dewi Agus", "Suharti Santoso Wijaya Sukarnoto Rahayu Nurhaliza"),
    ("ET", "Ethiopia|ኢትዮጵያ", 6, "am|en", "Africa/Addis_Ababa",
     "አበበ/Abebe ሰላም/Selam ዳዊት/Dawit", "በቀለ/Bekele ተስፋዬ/Tesfaye ገብረ/Gebre"),
    ("NG", "Nigeria|Nigeria", 16, "en", "Africa/Lagos",
     "Chinedu Ngọzi Babátúndé Amina Ifẹ́olúwa Tunde", "Okafor Adébáyọ̀ Eze Bello Ọlátúnjí Nwosu"),
    ("KE", "Kenya|Kenya", 12, "en|sw", "Africa/Nairobi",
     "Wanjiku Otieno Achieng Kiprono Fatuma", "Kamau Odhiambo Ng'ang'a Cheruiyot Mwangi"),
    ("ZA", "South Africa|Suid-Afrika", 14, "en|af", "Africa/Johannesburg",
     "Thandiwe Pieter Nomvula Riaan Lerato", "Dlamini van_der_Merwe Nkosi Botha Mokoena"),
    ("BR", "Brazil|Brasil", 35, "pt-BR", "America/Sao_Paulo|America/Manaus|America/Noronha",
     "João Letícia Antônio Júlia Thaís Luís Conceição", "da_Silva Guimarães Conceição Brandão Sá Müller dos_Anjos"),
    ("MX", "Mexico|México", 22, "es-MX", "America/Mexico_City|America/Tijuana|America/Cancun",
     "Guadalupe Ramón Sofía Ángel Xóchitl", "Hernández Muñoz Güemes Ortiz_y_Pino Cuauhtémoc"),
    ("AR", "Argentina|Argentina", 14, "es-AR", "America/Argentina/Buenos_Aires",
     "Martín Lucía Julián Agustina", "Fernández Agüero Peralta Iñíguez"),
    ("CA", "Canada|Canada", 25, "en|fr-CA", "America/Toronto|America/Vancouver|America/St_Johns",
     "Geneviève Liam Amélie Noah Siobhán", "Tremblay MacLeod Côté Singh Bélanger St-Pierre"),
    ("AU", "Australia|Australia", 22, "en", "Australia/Sydney|Australia/Perth|Australia/Adelaide|Australia/Lord_Howe",
     "Bronwyn Jack Matilda Hamish Mei", "O'Sullivan Nguyen Campbell Papadopoulos Wong"),
    ("NZ", "New Zealand|Aotearoa", 8, "en|mi", "Pacific/Auckland|Pacific/Chatham",
     "Aroha Tāne Mia Hēmi", "Ngāta Williams Te_Kanawa Parata"),
    ("EE", "Estonia|Eesti", 8, "et", "Europe/Tallinn", "Õnne Jüri Külli Märt", "Tamm Põld Kõiv Sääsk"),
    ("LV", "Latvia|Latvija", 8, "lv", "Europe/Riga", "Jānis Līga Ģirts Žanete", "Bērziņš Kalniņa Ķēniņš Liepiņa"),
    ("LT", "Lithuania|Lietuva", 10, "lt", "Europe/Vilnius", "Žydrūnas Rūta Šarūnas Eglė", "Kazlauskas Žukauskaitė Černiauskas Ąžuolas"),
    ("CH", "Switzerland|Schweiz", 18, "de|fr|it", "Europe/Zurich", "Reto Françoise Ursina Köbi", "Gfeller Rüegg Béguin Zürcher"),
    ("AT", "Austria|Österreich", 18, "de", "Europe/Vienna", "Leopold Vroni Jörg Resi", "Gruber Wögerbauer Höllriegl Pühringer"),
]

# Nouns and invented places per language; native/latin as above.
OUTLETS = {
    "pl": ("Kurier Głos Tygodnik Portal Radio Dziennik Przegląd Telewizja", "Źródlic Nowej_Łąki Brzezinowa Żabich_Dołów Lipowca Świętego_Gaju"),
    "de": ("Bote Anzeiger Rundschau Kurier Tagblatt Radio Magazin Funk", "Musterstadt Lüttenbüll Neu-Öhringsdorf Weißenmoor Beispielhausen Ährenfeld"),
    "fr": ("L'Écho La_Gazette Le_Courrier La_Voix Radio Le_Phare Télé Le_Journal", "de_Saint-Exemple de_l'Île-Fictive du_Val-Noël de_Châtel-Modèle des_Garrigues"),
    "es": ("El_Correo La_Voz Radio El_Noticiero Gaceta Canal", "de_Villaejemplo de_Peñaficticia del_Río_Muñón de_Almodóvar_Nuevo"),
    "it": ("Il_Corriere La_Voce Radio Il_Giornale Gazzetta", "di_Borgo_Esempio di_Città_Nova della_Valle_Finta di_Santa_Modella"),
    "pt": ("O_Correio A_Voz Rádio Jornal Folha", "de_Vila_Exemplo de_São_Modelo da_Ribeira_Falsa"),
    "nl": ("De_Bode Het_Nieuws Radio De_Koerier Dagblad", "van_Voorbeeldstad van_Nergenshuizen van_'t_Zandeind"),
    "sv": ("Tidningen Kuriren Radio Bladet", "Exempelköping Ödsmåla Påhittarps"),
    "cs": ("Kurýr Hlas Rádio Noviny Týdeník", "Příkladova Nových_Žďárů Smyšlenic"),
    "hu": ("Hírlap Rádió Hírnök Napló", "Példafalva Kitaláltháza Őzesd"),
    "ro": ("Curierul Vocea Radio Gazeta", "Exemplești Văii_Închipuite Țintești"),
    "uk": ("Вісник/Visnyk Голос/Holos Радіо/Radio Хроніка/Khronika", "Прикладова/Prykladova Вигаданого/Vyhadanoho Річища/Richyshcha"),
    "ru": ("Вестник/Vestnik Голос/Golos Радио/Radio", "Примерска/Primerska Заречья-Нового/Zarechya-Novogo"),
    "bg": ("Вестник/Vestnik Радио/Radio", "Примерово/Primerovo Нова_Измислица/Nova-Izmislitsa"),
    "kk": ("Хабар/Habar Үн/Un", "Мысалқала/Mysalqala Өзенбойы/Ozenboyi"),
    "el": ("Φωνή/Foni Ράδιο/Radio Εφημερίδα/Efimerida", "Παραδειγμάτων/Paradeigmaton Νέας_Πλάνης/Neas-Planis"),
    "tr": ("Postası Sesi Radyo Gazetesi", "Örnekköy Düşkent Işıklıova"),
    "he": ("קול/Kol ידיעון/Yedion", "דוגמה/Dugma העמק_הבדוי/Emek-Badui"),
    "ar": ("صوت/Sawt صحيفة/Sahifa إذاعة/Idhaa", "المثال/Al-Mithal الوادي_الجديد/Al-Wadi"),
    "fa": ("صدای/Sedaye روزنامه/Rooznameh", "نمونه‌شهر/Nemuneshahr خیال‌آباد/Khialabad"),
    "hi": ("आवाज़/Awaz समाचार/Samachar", "उदाहरणपुर/Udaharanpur कल्पनानगर/Kalpananagar"),
    "ja": ("日報/Nippo 放送/Hoso 通信/Tsushin", "見本市/Mihonshi 架空町/Kakucho"),
    "ko": ("일보/Ilbo 방송/Bangsong", "보기시/Bogisi 가상군/Gasanggun"),
    "zh": ("日报/Ribao 电台/Diantai 周刊/Zhoukan", "示例市/Shilishi 虚构县/Xugouxian"),
    "zh-Hant": ("日報/Ribao 電台/Diantai 週刊/Zhoukan", "範例市/Fanlishi 虛構縣/Xugouxian"),
    "th": ("ข่าว/Khao วิทยุ/Witthayu", "ตัวอย่างบุรี/Tuayangburi"),
    "vi": ("Báo Đài", "Thí_Dụ Làng_Mẫu"),
    "en": ("Courier Gazette Review Radio Voice Wire Daily Channel Post Monitor", "Exampleford Upper_Sampling Fictionham Placeholder_Bay St_Modwen's Newinvent North_Dummy Testbury"),
}

OUTLET_TYPES = ["daily", "daily", "online", "online", "online", "weekly", "magazine",
                "radio", "tv", "news agency", "freelance", "freelance", "trade press",
                "podcast", "blog", "local paper", "Daily newspaper", "www", ""]
BEATS = ["human rights", "EU affairs", "foreign policy", "justice", "technology",
         "open source", "security", "privacy", "economy", "finance", "energy",
         "climate", "health", "science", "education", "culture", "migration",
         "Ukraine", "Central Asia", "Russia", "defence", "agriculture", "transport",
         "start-ups", "telecoms", "AI", "media", "sport", "local politics",
         "elections", "labour", "religion", "investigations", "data journalism"]
BEAT_VARIANTS = {"human rights": ["Human Rights", "human-rights", "prawa człowieka", "droits de l'homme"],
                 "technology": ["tech", "Technology", "IT", "technologie"],
                 "EU affairs": ["EU", "European affairs", "UE", "eu  affairs"],
                 "economy": ["Economy", "economics", "gospodarka", "Wirtschaft"]}
CONSENTS = ["legitimate_interest", "legitimate_interest", "legitimate_interest",
            "public_contact", "public_contact", "opt_in", "opt_in",
            "existing_relationship"]
SOURCES = ["masthead on the outlet's site", "reply to a release", "conference badge",
           "press accreditation 2023", "business card", "colleague", "own sign-up form",
           "media directory", "byline", "press conference list", "CRM export"]
NOTES = ["prefers no attachments", "embargo respected", "call first", "on leave until 2026-09-01",
         "only Fridays", "met in Brussels, wants background", "writes for two outlets",
         "no PDFs, please; plain text", "covers the region since 2014", "deadline 16:00 local",
         "tel. +44 20 7946 0123", "tel. 202-555-0143", "said \"send earlier\"",
         "zastępuje redaktora naczelnego", "bitte nur auf Deutsch", "pas avant 10 h",
         "maiden name in byline", "left in 2021?", "5'10\" badge photo", "new desk, see mail"]
ROLES = {"pl": "redakcja", "de": "redaktion", "fr": "redaction", "es": "redaccion", "it": "redazione",
         "pt": "redacao", "nl": "redactie", "cs": "redakce", "sv": "redaktionen", "tr": "haber"}
TLDS = ["example.org", "example.com", "example.net"]
INVALID = ["{l}@@{d}", "{l}.{d}", "{l}@", "@{d}", "{l}@.{d}", "{l} {l}@{d}", "{l}(at){d}",
           "{l}@{d}..", "{l}..x@{d}", ".{l}@{d}", "{l}@-{d}", "{l}@{d};{l}2@{d}", "n/a", "-",
           "see website", "{l}@[192.0.2.300]", "\"{l}@{d}", "{l}@exa mple.org", "{l}@{d}\u2026",
           "{l}@example,org", "{l}\\@{d}", "{long}@{d}"]
REPAIRABLE = [" {a}", "{a} ", "<{a}>", "{n} <{a}>", "mailto:{a}", "{a},", "{a}.", "\u00a0{a}",
              "{a}\u200b", "{fw}", "'{a}'", "{a};", "E-mail: {a}", "\t{a}"]
BAD_ZONES = ["CET", "GMT+1", "UTC+02:00", "Warsaw", "Europe/Wroclaw", "EST5", "+01:00", "Central European Time"]
OLD_ZONES = {"Europe/Kyiv": "Europe/Kiev", "Asia/Kolkata": "Asia/Calcutta",
             "Asia/Ho_Chi_Minh": "Asia/Saigon", "America/New_York": "US/Eastern",
             "Europe/London": "GB", "Asia/Tokyo": "Japan", "Europe/Warsaw": "Poland",
             "America/Argentina/Buenos_Aires": "America/Buenos_Aires"}
BAD_COUNTRIES = ["Europe", "XX", "UK/IE", "EU", "Czechoslovakia", "?", "48"]
BAD_LANGUAGES = ["Polish/English", "xx", "english", "Deutsch", "PL", "?", "fr;en", "zh_CN"]
FORMULAS = ["=HYPERLINK(\"http://example.org/x\";\"click\")", "+48 000 000 000", "-1+1", "@SUM(1;2)",
            "=1+1", "\t=1+1"]
MARKUP = ["<b>{f}</b>", "{f}<script>alert(1)</script>", "{{{{7*7}}}} {f}", "${{7*7}}{f}", "&lt;{f}&gt;", "*|FNAME|*"]
INJECTIONS = ["{f}\r\nBcc: all@example.com", "{f}\nSubject: hello", "{f}%0ACc:x@example.net", "{f}\r\n\r\n<p>x</p>"]

FOLD = str.maketrans({"ł": "l", "Ł": "L", "ø": "o", "Ø": "O", "đ": "d", "Đ": "D", "ß": "ss", "æ": "ae",
                      "Æ": "AE", "œ": "oe", "Œ": "OE", "þ": "th", "Þ": "Th", "ð": "d", "ı": "i", "İ": "I",
                      "’": "'", "ə": "a"})


def fold(text):
    """ASCII form of a Latin-script name."""
    text = unicodedata.normalize("NFKD", text.translate(FOLD))
    return "".join(c for c in text if ord(c) < 128)


def slug(text, keep=""):
    text = fold(text).lower()
    return "".join(c if c.isalnum() or c in keep else "-" for c in text).strip("-").replace("--", "-") or "x"


def pairs(text):
    """[(native, latin)] from the compact notation."""
    result = []
    for word in text.split(" "):
        native, _, latin = word.partition("/")
        if native == "-":
            result.append(("", ""))
        else:
            result.append((native.replace("_", " "), (latin or native).replace("_", " ")))
    return result


def local_name(latin):
    """Address form of a Latin name: lower case ASCII, apostrophes kept."""
    text = fold(latin).lower().replace(" ", "")
    return "".join(c for c in text if c.isalnum() or c in "-'").strip("-'")


def polish_man(name):
    return name[:-1] + "i" if name.endswith(("ska", "cka")) else name.replace("ska-", "ski-")


def polish_woman(name):
    return name[:-1] + "a" if name.endswith(("ski", "cki")) else name


class Country:
    def __init__(self, code, names, weight, languages, zones, firsts, lasts):
        self.code = code
        self.names = names.split("|")
        self.weight = weight
        self.languages = languages.split("|")
        self.zones = zones.split("|")
        self.firsts = [(n, l, local_name(l)) for n, l in pairs(firsts)]
        # Polish surnames in -ski, -cki agree with the first name: one list for each
        forms = (polish_man, polish_woman) if code == "PL" else (str, str)
        self.lasts = [[(form(n), form(l), local_name(form(l))) for n, l in pairs(lasts)] for form in forms]
        self.outlets = []
        for language in self.languages:
            key = language.split("-")[0]
            nouns, places = OUTLETS.get(language) or OUTLETS.get(key) or OUTLETS["en"]
            for noun, noun_latin in pairs(nouns):
                for place, place_latin in pairs(places):
                    if key in ("ja", "ko", "zh"):
                        name = place + noun
                    elif nouns == OUTLETS["en"][0]:
                        name = place + " " + noun
                    elif key == "th":
                        name = noun + place
                    else:
                        name = noun + " " + place
                    label = slug(noun_latin + "-" + place_latin)
                    unicode_label = slug_unicode(name)
                    # about one outlet in nine has a name outside ASCII as its domain
                    number = len(self.outlets)
                    ascii_label = label
                    if number % 9 == 4 and unicode_label:
                        ascii_label = unicode_label.encode("idna").decode("ascii")
                        label = unicode_label
                    tld = TLDS[number % 3]
                    self.outlets.append((name, language, label + "." + tld, ascii_label + "." + tld,
                                         ROLES.get(key, "newsdesk")))


def slug_unicode(name):
    """A Unicode domain label of the name, or "" where it has none that is safe."""
    text = unicodedata.normalize("NFC", name).lower()
    if not any(ord(c) > 127 for c in text):
        return ""
    text = "".join(c if unicodedata.category(c)[0] in "LM" else "-" for c in text).strip("-")
    while "--" in text:
        text = text.replace("--", "-")
    if any(c in "ßς\u200c\u200d" for c in text):
        return ""
    try:
        ascii_label = text.encode("idna")
        return text if len(ascii_label) < 60 and ascii_label.decode("idna") == text else ""
    except UnicodeError:
        return ""


def mojibake(text):
    return text.encode("utf-8").decode("cp1252", "replace")


def fullwidth(address):
    return address.replace("@", "\uff20")


class Maker:
    """Makes rows one after the other; the state is the random generator,
    the addresses already used and a sample of earlier rows to duplicate."""

    def __init__(self, seed, countries=None, beats=None, defects=DEFECTS):
        self.rng = random.Random(seed)
        chosen = [Country(*c) for c in COUNTRIES if countries is None or c[0] in countries]
        self.wheel = []
        for country in chosen:
            self.wheel += [country] * country.weight
        self.beats = beats or BEATS
        self.limits = []
        total = 0.0
        for code, share in defects:
            total += share
            self.limits.append((total, code))
        self.total = total
        self.used = {}
        self.earlier = []
        self.number = 0
        self.counts = {}
        # one list of dates, so that making one costs a lookup
        start = datetime.date(2012, 1, 1)
        self.dates = [start + datetime.timedelta(days=i) for i in range(5294)]
        self.iso = [d.isoformat() for d in self.dates]

    def unique(self, local, domain):
        """local, or local with a number, so that the address is new."""
        key = local.lower() + "@" + domain
        count = self.used.get(key)
        if count is None:
            self.used[key] = 1
            return local
        while True:
            count += 1
            if local.endswith('"'):
                candidate = local[:-1] + str(count) + '"'
            elif "+" in local:
                head, _, tag = local.partition("+")
                candidate = head + str(count) + "+" + tag
            else:
                candidate = local + str(count)
            new = candidate.lower() + "@" + domain
            if new not in self.used:
                self.used[key] = count
                self.used[new] = 1
                return candidate

    def plain(self):
        """A sound row: [fields], address in canonical form, language key."""
        r = self.rng.random
        country = self.wheel[int(r() * len(self.wheel))]
        first, first_latin, first_local = country.firsts[int(r() * len(country.firsts))]
        lasts = country.lasts[first.endswith("a")]
        last, last_latin, last_local = lasts[int(r() * len(lasts))]
        outlet, language, domain, ascii_domain, role = country.outlets[int(r() * len(country.outlets))]
        if first != first_latin and r() < 0.4:  # lists often hold the Latin form
            first = first_latin
        if last != last_latin and (first == first_latin or r() < 0.05):
            last = last_latin
        kind = OUTLET_TYPES[int(r() * len(OUTLET_TYPES))]
        if kind == "freelance":
            outlet, domain = "", TLDS[int(r() * 3)]
            ascii_domain = domain
        form = r()
        if not first_local:
            local = last_local
        elif form < 0.52:
            local = first_local + "." + last_local
        elif form < 0.68:
            local = first_local[0] + last_local
        elif form < 0.77:
            local = first_local
        elif form < 0.85:
            local = last_local
        elif form < 0.89:
            local = first_local + "_" + last_local
        elif form < 0.92:
            local = last_local + "-" + first_local
        elif form < 0.950:
            local = first_local + "." + last_local + "+" + ("press", "news", "pr", "2024")[int(r() * 4)]
        elif form < 0.980:
            local, first, last = role, "", ""
        elif form < 0.984:
            local = '"' + first_local + " " + last_local + '"'
        elif form < 0.986:
            local = '"' + first_local + ".." + last_local + '"'
        elif form < 0.993:
            native = (first + "." + last).lower().replace(" ", "").replace("'", "")
            local = native if native.strip(".") and not native.startswith(".") else last_local
        elif form < 0.9935:
            local = (first_local + "." + last_local + "." + "desk-of-long-names-" * 4)[:60].rstrip("-.")
        else:
            local = last_local + "." + first_local[0]
        local = self.unique(local, ascii_domain)
        address = local + "@" + domain
        canonical = local + "@" + ascii_domain
        style = r()
        if style < 0.05 and local[0] != '"':
            address = local.title() + "@" + domain
        elif style < 0.06:
            address = address.upper() if domain == ascii_domain else address
        elif style < 0.065:
            address = canonical
        beat = self.beats[int(r() * len(self.beats))]
        names = [beat]
        more = r()
        if more < 0.7:
            other = self.beats[int(r() * len(self.beats))]
            if other != beat:
                names.append(other)
        if more < 0.3:
            other = self.beats[int(r() * len(self.beats))]
            if other not in names:
                names.append(other)
        look = r()
        if look < 0.05 and beat in BEAT_VARIANTS:
            names[0] = BEAT_VARIANTS[beat][int(r() * 4)]
        beats = ("; " if look < 0.6 else ";").join(names)
        if look > 0.97:
            beats = ", ".join(names)
        elif look > 0.95:
            beats += ";"
        elif look > 0.93:
            beats = ""
        where = r()
        place = country.code if where < 0.84 else country.names[0] if where < 0.95 else country.names[1]
        zone = country.zones[int(r() * len(country.zones))]
        when = int(r() * 5294)
        dated = r()
        if dated < 0.88:
            date = self.iso[when]
        elif dated < 0.94:
            date = self.dates[when].strftime("%d.%m.%Y")
        elif dated < 0.96:
            date = self.dates[when].strftime("%m/%d/%Y")
        elif dated < 0.97:
            date = str((self.dates[when] - datetime.date(1899, 12, 30)).days)
        elif dated < 0.98:
            date = self.dates[when].strftime("%Y")
        else:
            date = ""
        notes = NOTES[int(r() * len(NOTES))] if r() < 0.18 else ""
        row = [address, first, last, outlet, kind, beats, place, language, zone,
               CONSENTS[int(r() * len(CONSENTS))], SOURCES[int(r() * len(SOURCES))], date, notes]
        return row, canonical

    def next(self):
        """(row, defect code or "", canonical address or "", number of the row duplicated or "")."""
        self.number += 1
        r = self.rng.random
        draw = r()
        code = ""
        if draw < self.total:
            for limit, name in self.limits:
                if draw < limit:
                    code = name
                    break
        if code.startswith("dup_"):
            result = self.duplicate(code)
            if result:
                return result
            code = ""
        row, canonical = self.plain()
        if not code:
            # an evenly aging sample of sound rows, for duplicates to come
            if len(self.earlier) < 4000:
                self.earlier.append((self.number, row, canonical))
            elif r() < 0.05:
                self.earlier[int(r() * 4000)] = (self.number, row, canonical)
            return row, "", canonical, ""
        code, canonical = self.damage(row, code, canonical)
        if code:
            self.counts[code] = self.counts.get(code, 0) + 1
        return row, code, canonical, ""

    def duplicate(self, code):
        r = self.rng.random
        if not self.earlier:
            return None
        for _ in range(40):
            of, source, canonical = self.earlier[int(r() * len(self.earlier))]
            row = list(source)
            local, _, domain = row[0].rpartition("@")
            if code == "dup_case":
                if local.startswith('"') or not domain.isascii() or not local.isascii():
                    continue
                forms = [row[0].upper(), row[0].lower(), local + "@" + domain.title(), local.title() + "@" + domain]
                row[0] = forms[int(r() * 4)]
                if row[0] == source[0]:
                    continue
                if r() < 0.5:
                    row[3], row[12] = row[3].upper(), ""
            elif code == "dup_space":
                row[0] = (" " + row[0], row[0] + " ", "\u00a0" + row[0])[int(r() * 3)]
            elif code == "dup_idn_form":
                if domain.isascii() and "xn--" not in domain:
                    continue
                row[0] = canonical if row[0] != canonical else local + "@" + domain.encode("ascii").decode("idna")
                if row[0] == source[0]:
                    continue
            elif code == "dup_conflict":
                if source[9] == "objected":
                    continue
                row[9], row[10] = "objected", "reply to a release"
                row[12] = "please remove me"
            self.counts[code] = self.counts.get(code, 0) + 1
            return row, code, canonical, of
        return None

    def damage(self, row, code, canonical):
        """Put the defect into the row. Gives the code ("" where it did not
        apply) and the canonical address ("" where the row has no valid one)."""
        r = self.rng.random
        local, _, domain = row[0].rpartition("@")
        if code == "invalid_address":
            if not local.isascii() or not domain.isascii() or '"' in local:
                local, domain = "desk", "example.org"
            row[0] = INVALID[int(r() * len(INVALID))].format(l=local, d=domain, long="x" * 70)
            return code, ""
        if code == "empty_address":
            row[0] = ("", "", " ")[int(r() * 3)]
            return code, ""
        if code == "repairable_address":
            if '"' in local:
                return "", canonical
            name = (row[1] + " " + row[2]).strip().replace(",", "") or "Newsdesk"
            row[0] = REPAIRABLE[int(r() * len(REPAIRABLE))].format(a=row[0], n=name, fw=fullwidth(row[0]))
        elif code == "no_first_name":
            row[1] = ""
        elif code == "no_last_name":
            row[2] = ""
        elif code == "no_name":
            row[1] = row[2] = ""
        elif code in ("swapped_names", "full_name_in_last", "comma_name", "caps_name") and not (row[1] and row[2]):
            return "", canonical
        elif code == "swapped_names":
            row[1], row[2] = row[2], row[1]
        elif code == "full_name_in_last":
            row[1], row[2] = "", row[1] + " " + row[2]
        elif code == "comma_name":
            row[1], row[2] = "", row[2] + ", " + row[1]
        elif code == "caps_name":
            row[1], row[2] = row[1].upper(), row[2].upper()
            if row[1] + row[2] == (row[1] + row[2]).lower():  # no case in this script
                return "", canonical
        elif code == "mojibake_name":
            broken = mojibake(row[1]), mojibake(row[2])
            if broken == (row[1], row[2]):
                return "", canonical
            row[1], row[2] = broken
        elif code == "decomposed_name":
            split = unicodedata.normalize("NFD", row[1]), unicodedata.normalize("NFD", row[2])
            if split == (row[1], row[2]):
                return "", canonical
            row[1], row[2] = split
        elif code == "invisible_characters":
            mark = ("\u200b", "\u202e", "\u00ad", "\ufeff", "\u200f")[int(r() * 5)]
            row[2] = mark + row[2] if r() < 0.5 else row[2] + mark
        elif code == "objected":
            row[9] = ("objected", "OBJECTED", "opt_out", "do not mail")[int(r() * 4)]
        elif code == "withdrawn":
            row[9] = "withdrawn"
        elif code == "removal_in_notes":
            row[12] = ("asked to be removed 2024-05-02", "unsubscribed by phone", "proszę nie wysyłać",
                       "REMOVE!!")[int(r() * 4)]
        elif code == "no_consent":
            row[9] = ("", "", "?", "n/a")[int(r() * 4)]
        elif code == "bought_list":
            row[9], row[10] = ("", "bought", "unknown")[int(r() * 3)], "bought list"
        elif code == "no_timezone":
            row[8] = ""
        elif code == "bad_timezone":
            row[8] = BAD_ZONES[int(r() * len(BAD_ZONES))]
        elif code == "old_timezone":
            if row[8] not in OLD_ZONES:
                return "", canonical
            row[8] = OLD_ZONES[row[8]]
        elif code == "bad_country":
            row[6] = BAD_COUNTRIES[int(r() * len(BAD_COUNTRIES))]
        elif code == "bad_language":
            row[7] = BAD_LANGUAGES[int(r() * len(BAD_LANGUAGES))]
        elif code == "multiline_notes":
            row[12] = ("called 2023-04-11\nwants \"background\", not quotes", "line one\r\nline two; three, four",
                       "a;b,c\td \"e\"")[int(r() * 3)]
        elif code == "ragged_row":
            if r() < 0.5:
                del row[10:]
            else:
                row += ["", "extra"]
        elif code == "formula":
            row[(3, 12)[int(r() * 2)]] = FORMULAS[int(r() * len(FORMULAS))]
        elif code == "markup":
            row[1] = MARKUP[int(r() * len(MARKUP))].format(f=row[1] or "Ann")
        elif code == "header_injection":
            row[1] = INJECTIONS[int(r() * len(INJECTIONS))].format(f=row[1] or "Ann")
        return code, canonical


def open_list(path, dialect):
    encoding, mark, delimiter, line_end = DIALECTS[dialect]
    with open(path, "wb") as file:
        file.write(mark)
    file = open(path, "a", encoding=encoding, errors="replace", newline="", buffering=1 << 20)
    return file, csv.writer(file, delimiter=delimiter, lineterminator=line_end)


def lost(text, encoding):
    try:
        text.encode(encoding)
        return False
    except UnicodeEncodeError:
        return True


def write_list(path, maker, count, dialect="utf8", header=None, arrange=None, truth=None):
    encoding = DIALECTS[dialect][0]
    single_byte = encoding.startswith("cp")
    file, writer = open_list(path, dialect)
    truth_file = open(truth, "w", encoding="utf-8", newline="") if truth else None
    truth_writer = csv.writer(truth_file, lineterminator="\n") if truth else None
    if truth_writer:
        truth_writer.writerow(["row", "defect", "address", "of_row"])
    with file:
        writer.writerow(header or COLUMNS)
        writerow, make = writer.writerow, maker.next
        for number in range(1, count + 1):
            row, code, canonical, of = make()
            writerow(arrange(row) if arrange else row)
            if single_byte and not row[0].isascii() and lost(row[0], encoding):
                code, canonical = (code + "+" if code else "") + "lost_in_encoding", ""
            if truth_writer:
                truth_writer.writerow([number, code, canonical, of])
    if truth_file:
        truth_file.close()


def write_samples(folder):
    """The three small lists, as three people might keep them."""
    def scaled(factor):
        return [(code, share * factor) for code, share in DEFECTS if code != "ragged_row"]

    write_list(os.path.join(folder, "eu-affairs.csv"),
               Maker(11, {"BE", "DE", "FR", "PL", "IT", "ES", "NL", "IE", "GR", "RO", "UA", "SE", "CZ", "GB"},
                     ["EU affairs", "foreign policy", "human rights", "justice", "energy", "migration", "elections"],
                     scaled(1.5)), 40, "utf8")

    def tech(row):
        name = " ".join(part for part in (row[1], row[2]) if part)
        return [name, row[3], row[0], row[5], row[7], row[6], row[8], row[9], row[10], row[11], row[12]]
    write_list(os.path.join(folder, "tech.csv"),
               Maker(12, {"US", "GB", "DE", "IN", "JP", "KR", "TW", "IL", "SE", "EE", "BR", "CA", "NG", "KZ"},
                     ["technology", "open source", "security", "privacy", "AI", "start-ups", "telecoms", "science"],
                     scaled(1.5)), 42, "utf8-bom",
               ["Name", "Publication", "E-mail address", "Topics", "Lang", "Country", "TZ", "Basis", "From where",
                "Added", "Comment"], tech)

    def poland(row):
        return [row[2], row[1], row[3], row[4], row[0], row[5], row[6], row[7], row[8], row[9], row[10], row[11], row[12]]
    write_list(os.path.join(folder, "poland.csv"),
               Maker(13, {"PL"}, ["human rights", "justice", "EU affairs", "Ukraine", "economy", "local politics",
                                  "culture", "health"], scaled(1.5)), 40, "excel-pl",
               ["Nazwisko", "Imię", "Redakcja", "Rodzaj", "Adres e-mail", "Tematy", "Kraj", "Język", "Strefa czasowa",
                "Podstawa", "Źródło", "Data", "Uwagi"], poland)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--count", type=int, default=1000, help="rows to write")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", help="file to write")
    parser.add_argument("--dialect", choices=sorted(DIALECTS), default="utf8")
    parser.add_argument("--truth", help="also write, for every row, its defect and its canonical address")
    parser.add_argument("--clean", action="store_true", help="no defects")
    parser.add_argument("--samples", metavar="FOLDER", help="write the three small lists there instead")
    options = parser.parse_args()
    if options.samples:
        write_samples(options.samples)
        return
    if not options.out:
        parser.error("--out FILE or --samples FOLDER")
    if options.count < 0:
        parser.error("--count must not be negative")
    maker = Maker(options.seed, defects=[] if options.clean else DEFECTS)
    write_list(options.out, maker, options.count, options.dialect, truth=options.truth)
    print(f"{options.count} rows, {sum(maker.counts.values())} with a defect", file=sys.stderr)
    for code, _ in DEFECTS:
        if code in maker.counts:
            print(f"  {code:22}{maker.counts[code]:>9}", file=sys.stderr)


if __name__ == "__main__":
    main()
