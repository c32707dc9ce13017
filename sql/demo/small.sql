-- Demo data: the accounts of the guide, and 40 vendors in Douala and Yaoundé.
--
-- Ids and log-ins are fixed, so that scripts can use them:
--   customer   user_demo_1    +237670000001 / Test123!@#       1,000,000,000 XAF, default address in Bonapriso
--              user_demo_2    +237670000002 / Test123!@#       in Yaoundé, 50,000 XAF
--   vendors    vendor_123     vendor@reeyo.cm / VendorPass123! Douala, always open; items item_1 (3,000 XAF) to item_13
--              vendor_demo_NN vendorNN@demo.reeyo.cm, same password (NN = 02…40); items item_demo_NN_1 to _13
--   rider      rider_demo_1   +237670000020 / RiderPass123!    approved
--   admin      admin_demo_1   admin@reeyo.cm / AdminSecure123! super-admin
--              admin_demo_2   support@reeyo.cm, same password  an ordinary admin
-- The command passes password hashes as settings reeyo.hash_* of the session. Existing rows are not changed.

UPDATE settings SET value = 'true'
 WHERE key IN ('services.mart.enabled', 'services.packages.enabled') AND value <> 'true';

-- Menus by kind of kitchen: thirteen dishes each.
CREATE TEMP TABLE demo_dish (kind text, n integer, name text, category text, price bigint, minutes integer, description text);
INSERT INTO demo_dish VALUES
 ('littoral', 1, 'Ndolé viande et crevettes, miondo', 'Plats', 3000, 25, 'Feuilles de ndolé, arachides fraîches, bœuf et crevettes'),
 ('littoral', 2, 'Poulet DG', 'Plats', 4500, 35, 'Poulet sauté, plantain mûr, carottes et haricots verts'),
 ('littoral', 3, 'Mbongo tchobi de machoiron', 'Plats', 4000, 30, 'Sauce noire aux épices du pays bassa, plantain vapeur'),
 ('littoral', 4, 'Poisson braisé bar, bâton de manioc', 'Grillades', 5000, 35, 'Bar entier, piment vert et condiments'),
 ('littoral', 5, 'Koki, banane plantain', 'Plats', 2000, 20, 'Gâteau de haricots cornilles à l’huile de palme'),
 ('littoral', 6, 'Sauce jaune, taro', 'Plats', 3500, 30, 'Achu à la sauce jaune et à la viande de bœuf'),
 ('littoral', 7, 'Eru, water fufu', 'Plats', 3000, 30, 'Eru et épinards, peau de bœuf et crayfish'),
 ('littoral', 8, 'Crevettes sautées à l’ail', 'Plats', 6000, 25, 'Crevettes de Kribi, riz parfumé'),
 ('littoral', 9, 'Salade d’avocat', 'Entrées', 1500, 10, 'Avocat de Mbouda, tomate et oignon'),
 ('littoral', 10, 'Plantain mûr frit (aloco)', 'Accompagnements', 800, 10, 'Tranches dorées, pimentées à la demande'),
 ('littoral', 11, 'Bâton de manioc', 'Accompagnements', 300, 5, 'Bobolo de Sangmélima'),
 ('littoral', 12, 'Jus de gingembre maison', 'Boissons', 1000, 5, 'Pressé du jour, 50 cl'),
 ('littoral', 13, 'Folere (bissap)', 'Boissons', 800, 5, 'Infusion d’hibiscus, 50 cl'),
 ('grassfield', 1, 'Achu sauce jaune', 'Plats', 3000, 30, 'Taro pilé, sauce jaune, peau et viande de bœuf'),
 ('grassfield', 2, 'Khati-khati, njama-njama', 'Plats', 4000, 35, 'Poulet fermier braisé, légumes et couscous de maïs'),
 ('grassfield', 3, 'Nkui', 'Plats', 3500, 30, 'Sauce gluante aux épices bamiléké, couscous de maïs'),
 ('grassfield', 4, 'Koki de haricots', 'Plats', 1800, 20, 'Haricots cornilles et huile rouge, plantain vapeur'),
 ('grassfield', 5, 'Pommes pilées', 'Plats', 2000, 20, 'Pommes de terre et haricots rouges à l’huile de palme'),
 ('grassfield', 6, 'Kondrè de chèvre', 'Plats', 4500, 40, 'Plantain vert mijoté à la viande de chèvre'),
 ('grassfield', 7, 'Corn chaff', 'Plats', 2000, 20, 'Maïs et haricots, crayfish'),
 ('grassfield', 8, 'Taro sauce arachide', 'Plats', 2500, 25, 'Taro, sauce d’arachide au poisson fumé'),
 ('grassfield', 9, 'Légumes sautés', 'Accompagnements', 1000, 15, 'Njama-njama, tomate et oignon'),
 ('grassfield', 10, 'Couscous de maïs', 'Accompagnements', 500, 10, 'Fufu corn'),
 ('grassfield', 11, 'Plantain vapeur', 'Accompagnements', 500, 10, 'Deux doigts'),
 ('grassfield', 12, 'Vin de raphia', 'Boissons', 1000, 5, 'Frais du matin, 1 l'),
 ('grassfield', 13, 'Jus de corossol', 'Boissons', 1200, 5, '50 cl'),
 ('grill', 1, 'Poisson braisé maquereau', 'Grillades', 3000, 30, 'Maquereau, condiments verts, bâton de manioc'),
 ('grill', 2, 'Poisson braisé carpe', 'Grillades', 4500, 35, 'Carpe de Lagdo, plantain frit'),
 ('grill', 3, 'Demi-poulet braisé', 'Grillades', 3500, 30, 'Poulet mariné, piment et mayonnaise'),
 ('grill', 4, 'Poulet braisé entier', 'Grillades', 6500, 40, 'À partager, frites de plantain'),
 ('grill', 5, 'Soya de bœuf (10 brochettes)', 'Grillades', 2500, 20, 'Brochettes au piment et à l’arachide'),
 ('grill', 6, 'Brochettes de crevettes', 'Grillades', 5000, 25, 'Crevettes de Limbé, citron'),
 ('grill', 7, 'Porc braisé', 'Grillades', 3000, 30, 'Porc fumé, oignons, plantain'),
 ('grill', 8, 'Côtelettes d’agneau', 'Grillades', 5500, 35, 'Aux herbes, frites'),
 ('grill', 9, 'Frites de plantain', 'Accompagnements', 800, 10, 'Mûr ou vert'),
 ('grill', 10, 'Miondo', 'Accompagnements', 300, 5, 'Un paquet'),
 ('grill', 11, 'Salade composée', 'Entrées', 1500, 10, 'Crudités du marché'),
 ('grill', 12, 'Jus d’ananas', 'Boissons', 1000, 5, 'Ananas de Njombé, 50 cl'),
 ('grill', 13, 'Eau minérale', 'Boissons', 500, 2, '1,5 l'),
 ('rue', 1, 'Beignets-haricots-bouillie', 'Petit déjeuner', 1000, 10, 'Le BHB : beignets, haricots rouges, bouillie de maïs'),
 ('rue', 2, 'Haricots rouges sautés', 'Plats', 1000, 15, 'À l’huile de palme, plantain'),
 ('rue', 3, 'Riz sauce tomate, poisson', 'Plats', 1500, 20, 'Maquereau frit'),
 ('rue', 4, 'Riz jollof au poulet', 'Plats', 2500, 25, 'Riz parfumé à la tomate'),
 ('rue', 5, 'Omelette spaghetti', 'Plats', 1200, 15, 'Quatre œufs, piment'),
 ('rue', 6, 'Okok sucré, manioc', 'Plats', 1500, 20, 'Feuilles d’okok, jus de noix de palme'),
 ('rue', 7, 'Sanga', 'Plats', 1500, 20, 'Maïs, feuilles de manioc, jus de noix'),
 ('rue', 8, 'Kpwem, plantain', 'Plats', 1800, 20, 'Feuilles de manioc pilées, arachides'),
 ('rue', 9, 'Pain chargé', 'Petit déjeuner', 800, 10, 'Haricots, avocat ou omelette'),
 ('rue', 10, 'Accra banane (douze)', 'Petit déjeuner', 600, 10, 'Beignets de banane et maïs'),
 ('rue', 11, 'Prunes et plantain braisés', 'Grillades', 1000, 15, 'Safou de saison'),
 ('rue', 12, 'Bouillie de maïs', 'Boissons', 400, 5, 'Citronnée'),
 ('rue', 13, 'Thé, lait concentré', 'Boissons', 400, 5, 'Tasse'),
 ('nord', 1, 'Soya de Maroua', 'Grillades', 2500, 20, 'Bœuf séché et grillé, piment'),
 ('nord', 2, 'Kilishi', 'Grillades', 3000, 5, 'Viande séchée aux épices, 200 g'),
 ('nord', 3, 'Couscous de mil, sauce folere', 'Plats', 2500, 25, 'Feuilles d’oseille et viande'),
 ('nord', 4, 'Couscous de mil, sauce gombo', 'Plats', 2500, 25, 'Gombo frais, bœuf'),
 ('nord', 5, 'Riz gras au mouton', 'Plats', 3500, 35, 'Mouton de l’Adamaoua'),
 ('nord', 6, 'Tilapia frit du Lagdo', 'Plats', 3500, 25, 'Riz ou frites'),
 ('nord', 7, 'Poulet yassa', 'Plats', 3500, 35, 'Oignons et citron, riz'),
 ('nord', 8, 'Foie sauté aux oignons', 'Plats', 3000, 20, 'Pain ou plantain'),
 ('nord', 9, 'Brochettes de foie', 'Grillades', 2000, 20, 'Cinq brochettes'),
 ('nord', 10, 'Beignets de mil', 'Petit déjeuner', 600, 10, 'Une douzaine'),
 ('nord', 11, 'Lait caillé sucré (kindirmou)', 'Boissons', 1000, 5, '50 cl'),
 ('nord', 12, 'Thé touareg', 'Boissons', 500, 5, 'À la menthe'),
 ('nord', 13, 'Jus de tamarin', 'Boissons', 800, 5, '50 cl'),
 ('snack', 1, 'Shawarma poulet', 'Sandwichs', 2500, 15, 'Galette, crudités, sauce à l’ail'),
 ('snack', 2, 'Shawarma viande', 'Sandwichs', 2500, 15, 'Galette, oignons, tahini'),
 ('snack', 3, 'Burger du chef', 'Sandwichs', 3500, 20, 'Bœuf, fromage, frites'),
 ('snack', 4, 'Pizza reine', 'Pizzas', 5500, 25, 'Jambon, champignons'),
 ('snack', 5, 'Pizza poulet DG', 'Pizzas', 6500, 25, 'Poulet, plantain, poivron'),
 ('snack', 6, 'Poulet pané (6 pièces)', 'Poulet', 4500, 20, 'Croustillant, sauce piquante'),
 ('snack', 7, 'Ailes de poulet (10)', 'Poulet', 4000, 20, 'Miel et piment'),
 ('snack', 8, 'Tacos double', 'Sandwichs', 4000, 20, 'Poulet et bœuf, sauce fromagère'),
 ('snack', 9, 'Salade César', 'Entrées', 3000, 10, 'Poulet grillé'),
 ('snack', 10, 'Frites', 'Accompagnements', 1000, 10, 'Grande portion'),
 ('snack', 11, 'Glace deux boules', 'Desserts', 1500, 5, 'Vanille, coco, corossol'),
 ('snack', 12, 'Soda', 'Boissons', 700, 2, '33 cl'),
 ('snack', 13, 'Milkshake banane', 'Boissons', 2000, 10, '40 cl'),
 ('super', 1, 'Riz parfumé 5 kg', 'Épicerie', 4500, 10, 'Riz long parfumé'),
 ('super', 2, 'Huile raffinée 1 l', 'Épicerie', 1500, 10, 'Huile végétale'),
 ('super', 3, 'Sucre en morceaux 1 kg', 'Épicerie', 900, 10, 'Sucre de Mbandjock'),
 ('super', 4, 'Lait en poudre 400 g', 'Épicerie', 2800, 10, 'Entier'),
 ('super', 5, 'Café arabica moulu 250 g', 'Épicerie', 2500, 10, 'De l’Ouest'),
 ('super', 6, 'Chocolat à tartiner 350 g', 'Épicerie', 2200, 10, 'Cacao du Cameroun'),
 ('super', 7, 'Eau minérale 6 × 1,5 l', 'Boissons', 2400, 10, 'Pack'),
 ('super', 8, 'Jus de fruits 1 l', 'Boissons', 1200, 10, 'Goyave ou ananas'),
 ('super', 9, 'Savon de ménage 400 g', 'Entretien', 500, 10, 'Barre'),
 ('super', 10, 'Lessive en poudre 1 kg', 'Entretien', 1800, 10, 'Main et machine'),
 ('super', 11, 'Couches bébé, paquet de 40', 'Bébé', 7500, 10, 'Taille 3'),
 ('super', 12, 'Œufs, alvéole de 30', 'Frais', 2300, 10, 'De Bafoussam'),
 ('super', 13, 'Poulet congelé 1,5 kg', 'Frais', 4200, 10, 'Prêt à cuire'),
 ('marche', 1, 'Plantain, régime', 'Fruits et légumes', 5000, 15, 'De Njombé, environ 15 kg'),
 ('marche', 2, 'Tomates, cageot de 5 kg', 'Fruits et légumes', 4000, 15, 'De Foumbot'),
 ('marche', 3, 'Pommes de terre 5 kg', 'Fruits et légumes', 3000, 15, 'De Dschang'),
 ('marche', 4, 'Oignons 2 kg', 'Fruits et légumes', 1600, 15, 'De Garoua'),
 ('marche', 5, 'Feuilles de ndolé lavées 1 kg', 'Fruits et légumes', 1500, 15, 'Triées du jour'),
 ('marche', 6, 'Ananas (trois)', 'Fruits et légumes', 1500, 15, 'Pain de sucre'),
 ('marche', 7, 'Avocats (six)', 'Fruits et légumes', 1500, 15, 'De Mbouda'),
 ('marche', 8, 'Bœuf sans os 1 kg', 'Boucherie', 3500, 15, 'Découpé à la demande'),
 ('marche', 9, 'Bar frais 1 kg', 'Poissonnerie', 4500, 15, 'Débarcadère de Youpwè'),
 ('marche', 10, 'Crevettes 1 kg', 'Poissonnerie', 7000, 15, 'De Kribi'),
 ('marche', 11, 'Arachides décortiquées 1 kg', 'Épicerie', 1500, 15, 'De Bertoua'),
 ('marche', 12, 'Huile de palme 1 l', 'Épicerie', 1000, 15, 'De Dibombari'),
 ('marche', 13, 'Piment frais 500 g', 'Fruits et légumes', 700, 15, 'Rouge et vert');

CREATE TEMP TABLE demo_shop (n integer, name text, kind text, city text, quarter text, street text,
  lat double precision, lng double precision, owner_name text);
INSERT INTO demo_shop VALUES
 (1, 'Chez Mama Ngondo', 'littoral', 'Douala', 'Akwa', 'Rue Joffre', 4.0503, 9.6960, 'Élise Ngondo'),
 (2, 'Le Wouri Gourmand', 'littoral', 'Douala', 'Bonanjo', 'Rue de Trieste', 4.0421, 9.6872, 'Samuel Eboa'),
 (3, 'La Table de Bonapriso', 'littoral', 'Douala', 'Bonapriso', 'Rue Njo-Njo', 4.0262, 9.6985, 'Clarisse Dibango'),
 (4, 'Saveurs Sawa', 'littoral', 'Douala', 'Deïdo', 'Rond-point Deïdo', 4.0664, 9.7121, 'Paul Ekambi'),
 (5, 'Le Bassa d’Or', 'littoral', 'Douala', 'Ndokoti', 'Carrefour Ndokoti', 4.0482, 9.7401, 'Marthe Nlend'),
 (6, 'Youpwè Marée', 'grill', 'Douala', 'Youpwè', 'Débarcadère', 4.0076, 9.7010, 'Jean Moukoko'),
 (7, 'Le Braisé de Bali', 'grill', 'Douala', 'Bali', 'Rue Koumassi', 4.0391, 9.6952, 'Rose Etame'),
 (8, 'Tantine Braisée', 'grill', 'Douala', 'Bonamoussadi', 'Carrefour Maétur', 4.0893, 9.7402, 'Julienne Fotso'),
 (9, 'Makepe Grill', 'grill', 'Douala', 'Makepe', 'Carrefour Rhône-Poulenc', 4.0801, 9.7551, 'Hervé Talla'),
 (10, 'Les Brochettes de New Bell', 'nord', 'Douala', 'New Bell', 'Quartier Haoussa', 4.0382, 9.7131, 'Aboubakar Sali'),
 (11, 'Saveurs du Septentrion', 'nord', 'Douala', 'Bonapriso', 'Avenue de l’Indépendance', 4.0291, 9.7012, 'Aïssatou Hamadou'),
 (12, 'La Case Bamiléké', 'grassfield', 'Douala', 'Bépanda', 'Bépanda Omnisports', 4.0602, 9.7271, 'Odette Kamga'),
 (13, 'Achu House', 'grassfield', 'Douala', 'Bonabéri', 'Ancienne Route', 4.0752, 9.6641, 'Grace Ngwa'),
 (14, 'Le Nkui de Maman Sidonie', 'grassfield', 'Douala', 'Logpom', 'Carrefour Bassong', 4.0961, 9.7601, 'Sidonie Tchinda'),
 (15, 'BHB Chez Tonton', 'rue', 'Douala', 'Cité des Palmiers', 'Carrefour Palmiers', 4.0561, 9.7581, 'Alain Mbappé'),
 (16, 'Mami Makala', 'rue', 'Douala', 'Akwa Nord', 'Carrefour Bonateki', 4.0611, 9.7052, 'Bernadette Mbella'),
 (17, 'La Cantine de Kotto', 'rue', 'Douala', 'Kotto', 'Entrée Kotto', 4.0991, 9.7481, 'Florence Njoh'),
 (18, 'Douala Shawarma', 'snack', 'Douala', 'Akwa', 'Boulevard de la Liberté', 4.0481, 9.6991, 'Karim Haddad'),
 (19, 'Pizza du Littoral', 'snack', 'Douala', 'Bonapriso', 'Rue Tokoto', 4.0241, 9.6961, 'Yves Priso'),
 (20, 'Snack Logbessou', 'snack', 'Douala', 'Logbessou', 'Carrefour Logbessou', 4.0931, 9.7791, 'Estelle Djuikom'),
 (21, 'Supermarché Bonanjo', 'super', 'Douala', 'Bonanjo', 'Avenue du Général de Gaulle', 4.0411, 9.6891, 'Martin Elame'),
 (22, 'Alimentation Bonamoussadi', 'super', 'Douala', 'Bonamoussadi', 'Carrefour Kotto', 4.0911, 9.7431, 'Serge Nana'),
 (23, 'Marché Sandaga Express', 'marche', 'Douala', 'New Bell', 'Marché Sandaga', 4.0431, 9.7041, 'Thérèse Ngo Bayiha'),
 (24, 'Panier Frais Makepe', 'marche', 'Douala', 'Makepe', 'Marché de Makepe', 4.0821, 9.7571, 'Blaise Kouam'),
 (25, 'Le Mfoundi', 'littoral', 'Yaoundé', 'Centre-ville', 'Avenue Kennedy', 3.8661, 11.5181, 'Catherine Abena'),
 (26, 'La Terrasse de Bastos', 'littoral', 'Yaoundé', 'Bastos', 'Rue 1.750', 3.8931, 11.5121, 'Philippe Onana'),
 (27, 'Chez Tata Essos', 'littoral', 'Yaoundé', 'Essos', 'Carrefour Essos', 3.8721, 11.5381, 'Monique Atangana'),
 (28, 'Okok et Compagnie', 'rue', 'Yaoundé', 'Mokolo', 'Marché Mokolo', 3.8722, 11.5021, 'Marie-Claire Mballa'),
 (29, 'Le Sanga d’Or', 'rue', 'Yaoundé', 'Nlongkak', 'Carrefour Nlongkak', 3.8851, 11.5201, 'Suzanne Biloa'),
 (30, 'Beignets de Ngoa', 'rue', 'Yaoundé', 'Ngoa-Ekellé', 'Carrefour Emia', 3.8581, 11.5001, 'Jacques Essomba'),
 (31, 'Grillades de Tsinga', 'nord', 'Yaoundé', 'Tsinga', 'Carrefour Tsinga', 3.8852, 11.5011, 'Moussa Oumarou'),
 (32, 'Briqueterie Soya', 'nord', 'Yaoundé', 'Briqueterie', 'Rue Soya', 3.8781, 11.5101, 'Ibrahim Bello'),
 (33, 'Poissons de Mvan', 'grill', 'Yaoundé', 'Mvan', 'Carrefour Mvan', 3.8191, 11.5151, 'Régine Etoga'),
 (34, 'Le Braisé d’Odza', 'grill', 'Yaoundé', 'Odza', 'Borne 10', 3.7931, 11.5291, 'Armand Zé'),
 (35, 'Khati-Khati Corner', 'grassfield', 'Yaoundé', 'Biyem-Assi', 'Carrefour Acacia', 3.8361, 11.4851, 'Relindis Fru'),
 (36, 'Ouest Délices', 'grassfield', 'Yaoundé', 'Mendong', 'Camp Sic Mendong', 3.8331, 11.4691, 'Pascal Wamba'),
 (37, 'Yaoundé Burger', 'snack', 'Yaoundé', 'Omnisports', 'Stade Omnisports', 3.8871, 11.5401, 'Linda Ewane'),
 (38, 'Tacos de Mimboman', 'snack', 'Yaoundé', 'Mimboman', 'Carrefour Terminus', 3.8641, 11.5571, 'Boris Nga'),
 (39, 'Supermarché Etoudi', 'super', 'Yaoundé', 'Etoudi', 'Carrefour Palais', 3.9181, 11.5261, 'Nadège Owona'),
 (40, 'Marché d’Emana', 'marche', 'Yaoundé', 'Emana', 'Pont Emana', 3.9331, 11.5191, 'Joseph Mvondo');

INSERT INTO users (id, phone, email, first_name, last_name, password_hash, phone_verified, email_verified, language)
SELECT id, phone, email, first_name, last_name, current_setting('reeyo.hash_customer'), true, true, 'en'
  FROM (VALUES ('user_demo_1', '+237670000001', 'customer@reeyo.cm', 'Marie', 'Ngono'),
               ('user_demo_2', '+237670000002', 'customer2@reeyo.cm', 'Thomas', 'Atangana'))
       AS u(id, phone, email, first_name, last_name)
ON CONFLICT DO NOTHING;

INSERT INTO addresses (id, user_id, label, address, city, lat, lng, instructions, is_default)
VALUES ('addr_demo_1', 'user_demo_1', 'Maison', 'Rue Njo-Njo, Bonapriso', 'Douala', 4.0270, 9.6990,
        'Portail bleu, deuxième étage', true),
       ('addr_demo_2', 'user_demo_2', 'Bureau', 'Rue 1.750, Bastos', 'Yaoundé', 3.8945, 11.5105, NULL, true)
ON CONFLICT DO NOTHING;

-- The first is open for 24 hours, so that a demo works at any time.
INSERT INTO vendors (id, email, phone, password_hash, owner_name, business_name, service_type, business_type,
  description, address, city, zone, region, lat, lng, rating_sum, total_ratings, is_online, business_hours,
  average_preparation_time, tags, badges, bank_details, phone_verified, email_verified, approval_status)
SELECT CASE s.n WHEN 1 THEN 'vendor_123' ELSE 'vendor_demo_' || lpad(s.n::text, 2, '0') END,
  CASE s.n WHEN 1 THEN 'vendor@reeyo.cm' ELSE 'vendor' || lpad(s.n::text, 2, '0') || '@demo.reeyo.cm' END,
  '+2376700001' || lpad(s.n::text, 2, '0'), current_setting('reeyo.hash_vendor'), s.owner_name, s.name,
  CASE WHEN s.kind IN ('super', 'marche') THEN 'MART' ELSE 'FOOD' END,
  CASE WHEN s.kind IN ('super', 'marche') THEN 'GROCERY' ELSE 'RESTAURANT' END,
  CASE s.kind WHEN 'littoral' THEN 'Cuisine du Littoral : ndolé, poulet DG et poissons'
    WHEN 'grassfield' THEN 'Spécialités des Grassfields : achu, khati-khati, koki'
    WHEN 'grill' THEN 'Poissons et viandes braisés à la minute'
    WHEN 'rue' THEN 'Les plats du quartier, comme à la maison'
    WHEN 'nord' THEN 'Grillades et plats du Grand Nord'
    WHEN 'snack' THEN 'Shawarmas, pizzas et burgers'
    WHEN 'super' THEN 'Épicerie, boissons et entretien'
    ELSE 'Produits frais du marché' END,
  s.street || ', ' || s.quarter, s.city, s.quarter, CASE s.city WHEN 'Douala' THEN 'Littoral' ELSE 'Centre' END,
  s.lat, s.lng, (20 + s.n * 37 % 300) * (41 + s.n * 3 % 8) / 10, 20 + s.n * 37 % 300, true,
  (SELECT jsonb_object_agg(day, CASE s.n WHEN 1 THEN '{"open":"00:00","close":"00:00"}'::jsonb
            ELSE '{"open":"07:00","close":"22:30"}' END)
     FROM unnest(ARRAY['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday']) day),
  CASE WHEN s.kind IN ('super', 'marche') THEN 15 ELSE 25 END,
  ARRAY[s.kind, s.quarter], CASE WHEN s.n % 9 = 1 THEN '{IN_HIGH_DEMAND}'::text[] WHEN s.n % 5 = 0 THEN '{TOP_RATED}' ELSE '{}' END,
  jsonb_build_object('accountName', s.owner_name, 'accountNumber', '6700001' || lpad(s.n::text, 2, '0'), 'bankName', 'MTN MoMo'),
  true, true, 'APPROVED'
  FROM demo_shop s
ON CONFLICT DO NOTHING;

-- Prices differ slightly between shops; the first shop has the prices of the list.
INSERT INTO items (id, vendor_id, name, description, category, price, preparation_time, tags)
SELECT CASE s.n WHEN 1 THEN 'item_' || d.n ELSE 'item_demo_' || lpad(s.n::text, 2, '0') || '_' || d.n END,
  CASE s.n WHEN 1 THEN 'vendor_123' ELSE 'vendor_demo_' || lpad(s.n::text, 2, '0') END,
  d.name, d.description, d.category,
  d.price + CASE s.n WHEN 1 THEN 0 ELSE (s.n * 7 + d.n * 3) % 5 * 100 END, d.minutes, ARRAY[d.category]
  FROM demo_shop s JOIN demo_dish d ON d.kind = s.kind
ON CONFLICT DO NOTHING;

INSERT INTO riders (id, phone, email, first_name, last_name, password_hash, vehicle_type, vehicle_details, documents,
  bank_details, phone_verified, approval_status, status, lat, lng, city)
VALUES ('rider_demo_1', '+237670000020', 'rider@reeyo.cm', 'Emmanuel', 'Tchoupo', current_setting('reeyo.hash_rider'),
  'MOTORCYCLE', '{"brand":"Bajaj","make":"Bajaj","model":"Boxer","plateNumber":"LT 123 AB","color":"rouge"}',
  '{"idCardUrl":"id-card","drivingLicenseUrl":"license","vehicleRegistrationUrl":"registration"}',
  '{"accountName":"Emmanuel Tchoupo","accountNumber":"670000020","bankName":"MTN MoMo"}',
  true, 'APPROVED', 'ACTIVE', 4.0483, 9.6975, 'Douala')
ON CONFLICT DO NOTHING;

INSERT INTO admins (id, email, name, password_hash, role)
VALUES ('admin_demo_1', 'admin@reeyo.cm', 'Reeyo Admin', current_setting('reeyo.hash_admin'), 'SUPER_ADMIN'),
       ('admin_demo_2', 'support@reeyo.cm', 'Reeyo Support', current_setting('reeyo.hash_admin'), 'ADMIN')
ON CONFLICT DO NOTHING;

INSERT INTO ledger (id, amount, from_kind, to_kind, to_owner, to_balance, category, reference, description)
VALUES ('txn_0000000000000000000000DEM1', 1000000000, 'CLEARING', 'USER', 'user_demo_1', 1000000000, 'WALLET_TOPUP', 'demo', 'Demo money'),
       ('txn_0000000000000000000000DEM2', 50000, 'CLEARING', 'USER', 'user_demo_2', 50000, 'WALLET_TOPUP', 'demo', 'Demo money')
ON CONFLICT DO NOTHING;
INSERT INTO wallets (owner_id, kind, available)
SELECT id, 'USER', CASE id WHEN 'user_demo_1' THEN 1000000000 ELSE 50000 END FROM users
 WHERE id IN ('user_demo_1', 'user_demo_2')
ON CONFLICT DO NOTHING;
INSERT INTO wallets (owner_id, kind)
SELECT id, 'VENDOR' FROM vendors WHERE id = 'vendor_123' OR id LIKE 'vendor\_demo\_%'
UNION ALL SELECT 'rider_demo_1', 'RIDER'
ON CONFLICT DO NOTHING;
